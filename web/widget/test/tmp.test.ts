// @vitest-environment happy-dom
import { test } from 'vitest';
import { MarkdownStream } from '../src/markdown/stream.ts';
test('x', () => {
  const text = "I am **x** does. Say one of these:\n\n- `form`: a form that the server checks\n- `buttons`: a choice\n\nAnything";
  const pieces = text.match(/\S+\s*/g)!;
  const root = document.createElement('div');
  const s = new MarkdownStream(root, { } as any);
  let t = '';
  for (const p of pieces) { t += p; s.update(t); if (t.endsWith('`form`: ') || t.endsWith('- ') || t.endsWith('choice\n\n')) console.log(JSON.stringify(t.slice(-12)), root.innerHTML); }
  s.finish(t); console.log('END', root.innerHTML);
});
