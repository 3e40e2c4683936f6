// Client tests need no DOM; a widget test asks for one with `// @vitest-environment happy-dom`.
import { defineConfig } from 'vitest/config';

export default defineConfig({
  test: {
    include: ['client/test/**/*.test.ts', 'widget/test/**/*.test.ts'],
    environment: 'node',
    testTimeout: 20_000,
    unstubGlobals: true,
  },
});
