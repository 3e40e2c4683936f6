// Texts that are as dear to read as a text of their size can be: every token of the grammar
// repeated, two by turns, within each other, behind each beginning of a construct, before each end
// that it does not expect. Made, not collected: a new construct needs only its tokens here.

export interface Hostile {
  readonly name: string;
  /** A text of about that many UTF-16 units. */
  readonly text: (size: number) => string;
}

/** Everything that means something to the reader, alone and with what may stand beside it. */
const TOKENS: readonly string[] = [
  ...['`', '``', '```', '~', '~~', '~~~', '*', '**', '***', '_', '__', '= ', '=', '-', '- ', '+ ', '* ', '1. ', '2) '],
  ...['#', '# ', ' #', '>', '> ', '|', '|-', '| - |', ':-:|', '|a', '\\|'],
  ...['[', ']', '[]', '[](', '[](<', '[]("', '[a](', '[a](b', '[a](b)', '[a](b "', '![', '![a](b)', '][', '[a]', '[a][', '[a]: b\n', '[a]: '],
  ...['(', ')', '()', '<', '>', '<a', '<https://', '<a@', '<a@a.', '<mailto:'],
  ...['http://', 'https://a', 'https://a)', 'www.', 'www.a ', 'a@', '.a', '..', '!', '!a', '?', ':', '.)', '")'],
  ...['\\', '\\\\', '\\*', '\\\n', '&', '&a', '&amp;', '&#', '&#x41;', '"', "'", ' "', " '"],
  ...[' ', '  ', '\t', '\n', ' \n', '  \n', '\n\n', '\n ', '\n    ', '\r', '\r\n', '\u2028', '\u2029', '\u0085', '\v', '\f', '\u00a0', ' \u2028'],
  ...['a', 'h', 'w', 'a ', 'a\n', '*a', '*a*', '*a *', 'a*', '_a', '_a_ ', '~a~', '`a`', '`a', '- a\n', '- [ ] a\n', '1. a\n', '> a\n', '# a\n', '|a|\n', '> - ', '- - '],
  ...['0', '1', 'A', '_', '-', '😀', 'é', 'e\u0301', '\u0000', '\ud800', '\u200b', '\u202e', '，', '「', '。'],
];

/** The tokens that begin or end a construct: the ones worth mixing. */
const MIXED: readonly string[] = [
  ...['`', '``', '~', '*', '**', '_', '[', ']', '](', '(', ')', '<', '>', '!', '|', '-', '#', '=', '\\', '&', '"', "'", ':', '.'],
  ...['http://', 'www.', '@', 'a', ' ', '\t', '\n', '\n\n', '\u2028', '> ', '- ', '1. '],
];

/** What a construct begins with, so that a repetition stands inside it. */
const BEGINNINGS: readonly string[] = [
  ...['# ', '# a ', '#', '> ', '- ', '- [ ] ', '1. ', '```', '```a ', '~~~', '~~~ ', '    ', '|', 'a|b\n', 'a|b\n-|-\n', 'a|b\n-|-', '---', '* * ', '==='],
  ...['a\n', '[a]: ', '[a]: b', '[a]: b "', '[', '[a](', '[a](<', '[a](b ', '[a](b "', "[a](b '", '[a][', '![', '`', '` ', '``', '*', '**', '_a', '~', '~~'],
  ...['<', '<https://', '<a', '<a@', '<a@a', 'http://', 'https://', 'www.', '(https://a', '&', '&#', '&a', 'a', 'a  ', 'A. '],
];

/** What may stand inside of them, many times. */
const FILLINGS: readonly string[] = [
  ...[' ', '\t', ' \t', 'a', 'a ', ' a', '.', '.a', '-', '- ', '|', '|-', '| ', '#', ' #', '`', '~', '*', '_', '(', ')', '()', '[', ']', '<', '"', "'", ' "'],
  ...['!', '?!', ':', '\\', '\\a', '&', '@', '@a', '/', '=', '\n', '\n ', '\n> ', '\n- ', '\u00a0', '\u2028', '😀'],
];

/** What makes a line or a construct not be the one that it looked like. */
const ENDINGS: readonly string[] = ['', 'x', 'x\u2028', '\n', '`', ')x', '!'];

/** Every text of the generators. */
export function everyHostile(): Hostile[] {
  return [...repeated(), ...alternating(), ...nearMisses(), ...nesting(), ...shaped()];
}

function repeated(): Hostile[] {
  return TOKENS.map((token) => hostile(`${show(token)} again and again`, (size) => fill(token, size)));
}

function alternating(): Hostile[] {
  return MIXED.flatMap((one) =>
    MIXED.filter((other) => other !== one).flatMap((other) => [
      hostile(`${show(one)} and ${show(other)} by turns`, (size) => fill(one + other, size)),
      hostile(`${show(one)}, then ${show(other)}`, (size) => fill(one, size / 2) + fill(other, size / 2)),
    ]),
  );
}

function nearMisses(): Hostile[] {
  return BEGINNINGS.flatMap((begin) =>
    FILLINGS.flatMap((filling) =>
      ENDINGS.map((end) =>
        hostile(`${show(begin)}, ${show(filling)} again and again, ${show(end)}`, (size) => begin + fill(filling, size) + end),
      ),
    ),
  );
}

function nesting(): Hostile[] {
  const pairs: readonly (readonly [string, string])[] = [
    ['*a ', ' a*'], ['**a ', ' a**'], ['_a ', ' a_'], ['~a', 'a~'], ['*a **b ', ' b** a*'], ['[', '](a)'], ['![', '](a)'], ['[', ']'], ['(', ')'],
    ['<', '>'], ['`', '`'], ['*', '*'], ['***', '***'], ['*_', '_*'], ['[*', '*](a)'], ['"', '"'], ['&', ';'], ['[a](', ')'], ['*a_', '*b_'],
  ];
  const inLines = ['> ', '- ', '1. ', '> - ', '- > ', '  - ', '    '];
  return [
    ...pairs.map(([open, close]) =>
      hostile(`${show(open)} within each other`, (size) => fill(open, size / 2) + fill(close, size / 2)),
    ),
    ...inLines.map((mark) => hostile(`lines of more and more ${show(mark)}`, (size) => staircase(mark, size))),
    ...inLines.map((mark) => hostile(`items behind more and more blanks and ${show(mark)}`, (size) => staircase('  ', size, mark))),
  ];
}

function shaped(): Hostile[] {
  return [
    hostile('runs of ticks, each of another length', (size) => staircase('`', size, ' ', ' ')),
    hostile('runs of stars, each of another length', (size) => staircase('*', size, 'a', 'a')),
    hostile('a table of many columns and many rows', (size) => {
      const columns = Math.floor(size / 8);
      return `${fill('|a', columns * 2)}\n${fill('|-', columns * 2)}\n${fill('|\n', size / 2)}`;
    }),
    hostile('a table of a hundred columns and many rows', (size) => `${fill('|a', 200)}\n${fill('|-', 200)}\n${fill('|\n', size)}`),
    hostile('tables whose second line misses by one', (size) => fill('a|b|c\n-|-\n\n', size)),
    hostile('a list whose items are far apart', (size) => fill(`- a${'\n'.repeat(40)}`, size)),
    hostile('a list within a quote within a list', (size) => fill('- > - a\n', size)),
    hostile('lazy lines behind a deep quote', (size) => `${'> '.repeat(30)}a\n${fill('a\n', size)}`),
    hostile('definitions and their uses', (size) => fill('[a]: b\n\n[a] [a][a] [b][a]\n\n', size)),
    hostile('a label that is as long as it may be', (size) => fill(`[${'a'.repeat(998)}][${'b'.repeat(998)}]`, size)),
    hostile('openers of one kind, closers of another', (size) => fill('*a ', size / 2) + fill(' b_', size / 2)),
    hostile('openers that each closer has to pass', (size) => fill('_a ', size / 3) + fill('*b ', size / 3) + fill('c_ d* ', size / 3)),
    hostile('a fence as long as the text', (size) => `${'`'.repeat(size / 2)}\n${'`'.repeat(size / 2 - 2)}`),
    hostile('addresses without a blank between them', (size) => fill('https://a.b/c_(d)', size)),
    hostile('unfinished addresses', (size) => fill('[a](https://a.b/c "', size)),
    hostile('words without a sentence', (size) => fill('word ', size)),
    hostile('one word', (size) => fill('word', size)),
  ];
}

function hostile(name: string, text: Hostile['text']): Hostile {
  return { name, text };
}

function fill(token: string, size: number): string {
  return token.repeat(Math.max(1, Math.floor(size / token.length)));
}

/** `before`, one `step`, `after`, in lines or not, then with two steps, and so on. */
function staircase(step: string, size: number, after = 'a', join = '\n'): string {
  const lines: string[] = [];
  for (let steps = 1, length = 0; length < size; steps += 1) {
    lines.push(step.repeat(steps) + after);
    length += steps * step.length + after.length + 1;
  }
  return lines.join(join);
}

function show(token: string): string {
  return JSON.stringify(token);
}
