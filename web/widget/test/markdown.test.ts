// @vitest-environment happy-dom
import fc from 'fast-check';
import { afterEach, describe, expect, test, vi } from 'vitest';
import { readBlocks } from '../src/markdown/blocks.ts';
import { blockNode, markdownText, type MarkdownOptions } from '../src/markdown/render.ts';
import { MarkdownStream } from '../src/markdown/stream.ts';
import { safeUrl } from '../src/markdown/urls.ts';
import { XSS } from './xss.ts';

const OPTIONS: MarkdownOptions = { images: false, copyLabel: 'Copy', copiedLabel: 'Copied' };

function draw(source: string, options = OPTIONS): HTMLElement {
  const root = document.createElement('div');
  const definitions = new Map<string, string>();
  root.append(...readBlocks(source, definitions).map((block) => blockNode(block, '', definitions, options)));
  return root;
}

/** The drawing as HTML without the attributes that every element has. */
function html(source: string): string {
  return draw(source)
    .innerHTML.replace(/ (?:dir|target|rel|tabindex|part)="[^"]*"/g, '')
    .replace(/<div class="code-bar">.*?<\/div>/g, '');
}

describe('blocks', () => {
  test.each([
    ['one\ntwo\n\nthree', '<p>one\ntwo</p><p>three</p>'],
    [
      '# Big #\n## Small',
      '<div class="heading h1" role="heading" aria-level="3">Big</div><div class="heading h2" role="heading" aria-level="4">Small</div>',
    ],
    ['Big\n===\ntext', '<div class="heading h1" role="heading" aria-level="3">Big</div><p>text</p>'],
    ['- a\n- b', '<ul><li>a</li><li>b</li></ul>'],
    ['- a\n\n- b', '<ul><li><p>a</p></li><li><p>b</p></li></ul>'],
    ['3. a\n4. b', '<ol start="3"><li>a</li><li>b</li></ol>'],
    ['1. a\n   - b\n   - c\n2. d', '<ol><li>a<ul><li>b</li><li>c</li></ul></li><li>d</li></ol>'],
    ['- [x] done\n- [ ] open', '<ul><li class="task">☑ done</li><li class="task">☐ open</li></ul>'],
    ['text\n- a', '<p>text</p><ul><li>a</li></ul>'],
    ['In 1986. It was', '<p>In 1986. It was</p>'],
    ['> a\n> b\n\nc', '<blockquote><p>a\nb</p></blockquote><p>c</p>'],
    ['> > deep', '<blockquote><blockquote><p>deep</p></blockquote></blockquote>'],
    ['a\n\n---\n\nb', '<p>a</p><hr><p>b</p>'],
    [
      '```js x\na  <b>\n```\nafter',
      '<div class="code"><pre><code>a  &lt;b&gt;</code></pre></div><p>after</p>',
    ],
    ['~~~\n```\n~~~', '<div class="code"><pre><code>```</code></pre></div>'],
    ['```\nunclosed', '<div class="code"><pre><code>unclosed</code></pre></div>'],
    ['    four', '<div class="code"><pre><code>four</code></pre></div>'],
    [
      'a|b\n-|:-:\n1|2',
      '<div class="table"><table><thead><tr><th>a</th><th class="align-center">b</th></tr></thead><tbody><tr><td>1</td><td class="align-center">2</td></tr></tbody></table></div>',
    ],
    [
      '| a \\| b |\n|---|\n| c |',
      '<div class="table"><table><thead><tr><th>a | b</th></tr></thead><tbody><tr><td>c</td></tr></tbody></table></div>',
    ],
    ['a | b without a line below', '<p>a | b without a line below</p>'],
    [
      'a|b|c\n-|-|-\n1\n1|2|3|4',
      '<div class="table"><table><thead><tr><th>a</th><th>b</th><th>c</th></tr></thead><tbody><tr><td>1</td><td colspan="2"></td></tr><tr><td>1</td><td>2</td><td>3</td></tr></tbody></table></div>',
    ],
    ['# one\u2028two', '<div class="heading h1" role="heading" aria-level="3">one\u2028two</div>'],
    ['# # #\n## ##', '<div class="heading h1" role="heading" aria-level="3">#</div><div class="heading h2" role="heading" aria-level="4"></div>'],
    ['* * *\n***x', '<hr><p>***x</p>'],
    ['[a]: /u "t" x\n\n[a]', '<p><a href="/u">a</a></p>'],
    ['[a]: /u x\n\n[a]', '<p>[a]: /u x</p><p>[a]</p>'],
    ['`````\n```\n``````', '<div class="code"><pre><code>```</code></pre></div>'],
    ['<div>x</div>', '<p>&lt;div&gt;x&lt;/div&gt;</p>'],
  ])('%j', (source, expected) => expect(html(source)).toBe(expected));
});

describe('words', () => {
  test.each([
    ['**bold** and *it*', '<p><strong>bold</strong> and <em>it</em></p>'],
    ['***both***', '<p><em><strong>both</strong></em></p>'],
    ['**a *b* c**', '<p><strong>a <em>b</em> c</strong></p>'],
    ['snake_case_name and __init__', '<p>snake_case_name and <strong>init</strong></p>'],
    ['2 * 3 * 4', '<p>2 * 3 * 4</p>'],
    ['**open', '<p>**open</p>'],
    ['~~gone~~ ~one~', '<p><del>gone</del> <del>one</del></p>'],
    ['`a*b*` ``x`y``', '<p><code>a*b*</code> <code>x`y</code></p>'],
    ['`open', '<p>`open</p>'],
    ['\\*not\\* 5 &lt; 6 &amp; &#8364; \\&amp;', '<p>*not* 5 &lt; 6 &amp; € &amp;amp;</p>'],
    ['a  \nb\\\nc', '<p>a<br>b<br>c</p>'],
    ['[t](https://e.org/a_(b)?x=1 "title")', '<p><a href="https://e.org/a_(b)?x=1">t</a></p>'],
    ['[**b** `c`](/path)', '<p><a href="/path"><strong>b</strong> <code>c</code></a></p>'],
    [
      '[a [b](https://e.org) c](https://f.org)',
      '<p>[a <a href="https://e.org">b</a> c](<a href="https://f.org">https://f.org</a>)</p>',
    ],
    [
      '[one][r] [r]\n\n[r]: https://e.org',
      '<p><a href="https://e.org">one</a> <a href="https://e.org">r</a></p>',
    ],
    ['[not a link] [x](y z)', '<p>[not a link] [x](y z)</p>'],
    ['see https://e.org/x_(y).', '<p>see <a href="https://e.org/x_(y)">https://e.org/x_(y)</a>.</p>'],
    [
      '<https://e.org> <a@b.de>',
      '<p><a href="https://e.org">https://e.org</a> <a href="mailto:a@b.de">a@b.de</a></p>',
    ],
    ['(www.e.org)', '<p>(<a href="https://www.e.org">www.e.org</a>)</p>'],
    ['![alt](https://e.org/i.png)', '<p>alt</p>'],
    ['who how why', '<p>who how why</p>'],
    ['www... and https://', '<p>www... and https://</p>'],
    ['https://e.org/a),.!', '<p><a href="https://e.org/a">https://e.org/a</a>),.!</p>'],
    ['[a](</b c> "d") [a](b c) [a](b "c" d) [a](<b>c)', '<p><a href="/bc">a</a> [a](b c) [a](b "c" d) [a](&lt;b&gt;c)</p>'],
    ['&amp;lt; &toString; &valueOf; &#0; &#x110000;', '<p>&amp;lt; &amp;toString; &amp;valueOf; &amp;#0; &amp;#x110000;</p>'],
    ['***a****', '<p><em><strong>a</strong></em>*</p>'],
    ['**.**```', '<p><strong>.</strong>```</p>'],
    ['*a _b* c_', '<p><em>a _b</em> c_</p>'],
    ['~a ~~b~ c~~', '<p><del>a ~~b</del> c~~</p>'],
    ['a \\\n`b` \nc', '<p>a <br><code>b</code>\nc</p>'],
  ])('%j', (source, expected) => expect(html(source)).toBe(expected));

  test('images are shown only where the page allows them', () => {
    const image = draw('![alt](https://e.org/i.png)', { ...OPTIONS, images: true }).querySelector('img');
    expect(image?.getAttribute('src')).toBe('https://e.org/i.png');
    expect(draw('![alt](javascript:x)', { ...OPTIONS, images: true }).querySelector('img')).toBeNull();
  });

  test('plain words have no markup', () => {
    expect(markdownText('# A\n\n- **b** `c`\n\n[d](https://e.org)')).toBe('A b c d');
  });
});

describe('text that nobody vouches for', () => {
  const ALLOWED =
    'A P DIV SPAN STRONG EM DEL CODE PRE BR HR UL OL LI BLOCKQUOTE TABLE THEAD TBODY TR TH TD BUTTON'.split(
      ' ',
    );

  test.each(XSS)('%j makes no element, attribute or address of its own', (attack) => {
    for (const source of [
      attack,
      `[x](${attack})`,
      `![x](${attack})`,
      `<${attack}>`,
      `[x]: ${attack}\n\n[x]`,
    ]) {
      for (const node of draw(source, { ...OPTIONS, images: false }).querySelectorAll('*')) {
        expect(ALLOWED).toContain(node.tagName);
        const names = node.getAttributeNames().filter((name) => /^(on|style|src|srcdoc)/.test(name));
        expect(names).toEqual([]);
        const href = node.getAttribute('href');
        if (href !== null) expect(href).toMatch(/^(https:\/\/|mailto:|[^:\\]*([/?#]|$))/i);
      }
    }
  });

  test.each([
    ['https://e.org', 'https://e.org'],
    ['mailto:a@b.de', 'mailto:a@b.de'],
    ['/a?b=c:d', '/a?b=c:d'],
    ['page#x', 'page#x'],
    ['http://e.org', null],
    ['//e.org', null],
    ['\\\\e.org', null],
    ['/\\e.org', null],
    ['javascript:alert(1)', null],
    ['JaVa\nScript:alert(1)', null],
    ['\u0001javascript:alert(1)', null],
    ['java\u200bscript:alert(1)', null],
    ['data:text/html,x', null],
    ['vbscript:x', null],
    ['javascript&colon;alert(1)', null],
  ])('the address %j becomes %j', (url, safe) => expect(safeUrl(url)).toBe(safe));

  test('emphasis within emphasis has an end, and loses no word', () => {
    const root = draw(`${'*a '.repeat(500)}${'b* '.repeat(500)}`);
    expect(root.querySelectorAll('em')).toHaveLength(16);
    expect(root.textContent.match(/[ab]/g)).toHaveLength(1000);
    expect(root.textContent.match(/\*/g)).toHaveLength(2 * (500 - 16));
  });

  test('what cannot be drawn is shown as it is written, and everything else as ever', () => {
    const create = document.createElement.bind(document);
    const broken = (tag: string) => {
      if (tag === 'table') throw new RangeError('Maximum call stack size exceeded');
      return create(tag);
    };
    vi.spyOn(document, 'createElement').mockImplementation(broken as typeof document.createElement);
    const root = create('div');
    const stream = new MarkdownStream(root, OPTIONS);
    stream.update('**one**\n\na|b\n-|-\n1|2');
    stream.finish('**one**\n\na|b\n-|-\n1|2\n\n**two**');
    expect([...root.children].map((block) => block.tagName)).toEqual(['P', 'DIV', 'P']);
    expect(root.children[1]?.className).toBe('plain');
    expect(root.children[1]?.textContent).toBe('a|b\n-|-\n1|2\n\n');
    expect(root.querySelectorAll('strong')).toHaveLength(2);
    expect(markdownText('**one**\n\na|b\n-|-\n1|2')).toBe('one a|b -|- 1|2');
  });

  test('an answer whose blocks cannot be told is shown as it is written', () => {
    vi.spyOn(Array.prototype, 'findLastIndex').mockImplementation(() => {
      throw new RangeError('Maximum call stack size exceeded');
    });
    const root = document.createElement('div');
    new MarkdownStream(root, OPTIONS).finish('- one\n- two');
    expect(root.innerHTML).toBe('<div class="plain" dir="auto">- one\n- two</div>');
  });
});

afterEach(() => vi.restoreAllMocks());

describe('a growing answer', () => {
  function streamed(source: string, cuts: readonly number[]): string {
    const root = document.createElement('div');
    const stream = new MarkdownStream(root, OPTIONS);
    for (const cut of cuts) stream.update(source.slice(0, cut));
    stream.finish(source);
    return root.innerHTML;
  }

  const pieces = fc.constantFrom(
    'word ',
    '\n',
    '\n\n',
    '- item',
    '1. one',
    '2',
    '. ',
    '  ',
    '    ',
    '> ',
    '```',
    '```py',
    '**',
    '*',
    '`',
    '#',
    '# ',
    '[x](https://e.org)',
    'a | b',
    '|',
    '|---|---|',
    '---',
    '===',
    '\t',
    '😀',
    '[r]: https://e.org',
    '[r]',
    '\r\n',
    '- [ ] ',
    '~~~',
  );

  test('ends as if it had come at once, however it was cut', () => {
    fc.assert(
      fc.property(
        fc.array(pieces, { maxLength: 24 }),
        fc.array(fc.nat(200), { maxLength: 12 }),
        (parts, cuts) => {
          const source = parts.join('');
          expect(
            streamed(
              source,
              cuts.sort((a, b) => a - b),
            ),
          ).toBe(draw(source.replace(/\r\n?/g, '\n')).innerHTML);
        },
      ),
      { numRuns: 1500 },
    );
  });

  test('of any length ends as if it had come at once, and shows on its way all that has come', { timeout: 60_000 }, () => {
    const shapes = [
      (n: number) => 'word *and* `code` '.repeat(n / 16),
      (n: number) => `\`\`\`\n${'x = 1  # *not*\n'.repeat(n / 15)}\`\`\`\nafter\n`,
      (n: number) => '- item **bold**\n'.repeat(n / 16),
      (n: number) => `a|b\n-|-\n${'1|`2`\n'.repeat(n / 6)}`,
      (n: number) => '> quote\r\n'.repeat(n / 9),
      (n: number) => '\n'.repeat(n),
    ];
    fc.assert(
      fc.property(
        fc.array(fc.tuple(fc.nat(shapes.length - 1), fc.integer({ min: 2_000, max: 14_000 })), { minLength: 1, maxLength: 2 }),
        fc.array(fc.nat(28_000), { maxLength: 15 }),
        (parts, cuts) => {
          const source = parts.map(([shape, length]) => shapes[shape]!(length)).join('\n\n');
          const root = document.createElement('div');
          const stream = new MarkdownStream(root, OPTIONS);
          const letters = (text: string | null) => text!.replace(/Copy|[^a-zA-Z0-9]/g, '');
          for (const cut of cuts.sort((a, b) => a - b)) {
            stream.update(source.slice(0, cut));
            expect(letters(root.textContent)).toBe(letters(source.slice(0, cut)));
          }
          stream.finish(source);
          expect(root.innerHTML).toBe(draw(source.replace(/\r\n?/g, '\n')).innerHTML);
        },
      ),
      { numRuns: 12 },
    );
  });

  test('beyond a quarter of a million characters goes on as it is written', () => {
    const source = `*word* and ${'more '.repeat(37)}\n\n`.repeat(1_900);
    const root = document.createElement('div');
    const stream = new MarkdownStream(root, OPTIONS);
    for (const part of [0.5, 0.75, 0.8, 0.95]) stream.update(source.slice(0, source.length * part));
    stream.finish(source);
    const words = source.replace(/\s+/g, ' ');
    expect(root.textContent.replace(/\s+/g, ' ').endsWith(words.slice(-100_000))).toBe(true);
    expect(root.querySelectorAll('em').length).toBeGreaterThan(1_250);
    expect(root.querySelectorAll('em').length).toBeLessThan(1_350);
    expect(root.lastElementChild?.children.length).toBeGreaterThan(10);
  });

  test('keeps the first item of a list whose line break came alone', () => {
    const source = 'These:\n\n- one\n- two\n\nEnd';
    expect(streamed(source, [8, 22])).toBe(draw(source).innerHTML);
  });

  test('keeps the nodes of what stands already', () => {
    const root = document.createElement('div');
    const stream = new MarkdownStream(root, OPTIONS);
    stream.update('one\n\ntwo\n\nthree');
    const first = root.firstChild;
    stream.update('one\n\ntwo\n\nthree\n\nfour');
    expect(root.firstChild).toBe(first);
    expect(root.children).toHaveLength(4);
  });

  test('keeps the node of a growing fence', () => {
    const root = document.createElement('div');
    const stream = new MarkdownStream(root, OPTIONS);
    stream.update('```py\nx = 1');
    const pre = root.querySelector('pre');
    stream.update('```py\nx = 1\ny = 2');
    expect(root.querySelector('pre')).toBe(pre);
    expect(pre?.textContent).toBe('x = 1\ny = 2');
  });

  test('starts anew when the text is another', () => {
    const root = document.createElement('div');
    const stream = new MarkdownStream(root, OPTIONS);
    stream.update('first attempt');
    stream.update('second');
    expect(root.textContent).toBe('second');
  });
});
