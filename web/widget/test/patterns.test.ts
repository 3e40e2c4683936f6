// A schema's patterns run in the browser where they are done in a moment, whatever the text; the others are the
// server's.
import fc from 'fast-check';
import { describe, expect, test } from 'vitest';
import { isCheap, LONGEST_SUBJECT, matches } from '../src/forms/patterns.ts';

describe('a pattern', () => {
  test.each([
    '^[A-Z]{2}\\d+$',
    '^\\d{3}-\\d{4}$',
    'b',
    '^(Mon|Tues|Wednes)day$',
    '^(?:\\+\\d{1,3} )?\\d{6,14}$',
    '^[^@\\s]+@[^@\\s]+\\.[a-z]{2,}$',
    '^\\p{L}+$',
    '^\\u00e9*$',
    '^(?<year>\\d{4})-(0[1-9]|1[0-2])$',
    '^[\\w.-]{1,64}$',
    '^(-\\d\\d)*$',
    '',
  ])('%s is run here', (pattern) => expect(isCheap(pattern)).toBe(true));

  test.each([
    '^(a+)+$',
    '^(\\w+\\s?)*$',
    '^(a|a)*$',
    '^(a|ab)*c$',
    '^([a-z]+|\\d+)*$',
    '^(a?){40}a{40}$',
    `^${'a?'.repeat(30)}${'a'.repeat(30)}$`,
    '^\\w*\\w*\\w*!$',
    '(x+x+)+y',
    '\\s+\\w+$',
    '^(.*,){20}x$',
    '^(a{1,200}){2}b$',
    '(?=a*)*b',
    '^(?!x)\\w+$',
    '(?<=a+)b',
    '^(a)\\1$',
    '^(?<x>a)\\k<x>$',
    `${'('.repeat(40)}a${')'.repeat(40)}`,
    '(',
    'a)',
    '[a',
    '^((a*)*)*$',
    '^(a*?b?)+?$',
  ])('%s is not', (pattern) => {
    expect(isCheap(pattern)).toBe(false);
    expect(matches(pattern, 'anything')).toBe(true);
  });

  test('that is run says what fits, one that is not says yes', () => {
    expect(matches('^[A-Z]{2}\\d+$', 'AB12')).toBe(true);
    expect(matches('^[A-Z]{2}\\d+$', 'ab12')).toBe(false);
    expect(matches('(?P<x>a)', 'b')).toBe(true);
    expect(matches('^(\\w+\\s?)*$', `${'a'.repeat(40)}!`)).toBe(true);
  });

  test('that is run is done in a moment with whatever text', () => {
    const parts = fc.constantFrom('a', 'b', '.', '\\w', '[ab]', '[^a]', '(', '(?:', ')', '|', '*', '+', '?', '{2,}', '{1,30}', '^', '$', '\\b', '*?');
    const texts = ['a', 'ab', 'ba', 'aab', '!'].map((token) => `${token.repeat(LONGEST_SUBJECT).slice(0, LONGEST_SUBJECT - 1)}!`);
    let run = 0;
    fc.assert(
      fc.property(fc.array(parts, { minLength: 1, maxLength: 12 }), (pieces) => {
        const pattern = pieces.join('');
        if (!isCheap(pattern)) return;
        run += 1;
        for (const text of texts) {
          const before = process.cpuUsage();
          matches(pattern, text);
          expect(process.cpuUsage(before).user / 1000, pattern).toBeLessThan(100);
        }
      }),
      { numRuns: 20_000 },
    );
    expect(run).toBeGreaterThan(200);
  });
});
