// Patterns of a schema run here on an engine that goes back when it fails, and may do so for
// minutes. So one runs only where the ways in which it can be tried are counted and few; what is
// not run is the server's to judge, whose engine never goes back and whose word is last.

/** The longest text that a pattern is run on; on the server, too, no longer one matches. */
export const LONGEST_SUBJECT = 256;
const MOST_WAYS = 2_000;
const DEEPEST = 16;

// One character, or a set of them, as the engine reads it with the flag `u`.
const ATOM =
  /\\(?:u\{[\da-f]+\}|u[\da-f]{4}|x[\da-f]{2}|p\{[\w=]+\}|[^\da-z]|[dswtnrfv])|\[(?:[^\]\\]|\\.)*\]|[^\\[\](){}^$*+?|]/iuy;
const GROUP = /\((?:\?:|\?<\w+>)?(?!\?)/y;
const BORDER = /[$^]|\\b/iy;
const QUANTIFIER = /(?:([*+?])|\{(\d+)(,?)(\d*)\})\??/y;

/** Whether `text` fits `pattern`; true where that is left to the server. */
export function matches(pattern: string, text: string): boolean {
  try {
    return text.length > LONGEST_SUBJECT || !isCheap(pattern) || new RegExp(pattern, 'u').test(text);
  } catch {
    // A pattern of another dialect does not compile here.
    return true;
  }
}

/** Whether `pattern` can be tried in a few ways only, however a text of `LONGEST_SUBJECT` fails it. */
export function isCheap(pattern: string): boolean {
  return new Reader(pattern).ways() <= MOST_WAYS;
}

class Reader {
  readonly #pattern: string;
  #at = 0;

  constructor(pattern: string) {
    this.#pattern = pattern;
  }

  /** How many ways there are, at most; infinite where they cannot be told. */
  ways(): number {
    const branches = this.#branches(0);
    if (this.#at < this.#pattern.length) return Infinity;
    // Without a border in front, it is tried from each place of the text.
    return branches.ways * (branches.count === 1 && this.#pattern.startsWith('^') ? 1 : LONGEST_SUBJECT + 1);
  }

  #take(expression: RegExp): RegExpExecArray | null {
    expression.lastIndex = this.#at;
    const found = expression.exec(this.#pattern);
    if (found) this.#at += found[0].length;
    return found;
  }

  #branches(depth: number): { ways: number; count: number } {
    let ways = this.#sequence(depth);
    let count = 1;
    for (; this.#pattern[this.#at] === '|'; count += 1) {
      this.#at += 1;
      ways += this.#sequence(depth);
    }
    return { ways, count };
  }

  #sequence(depth: number): number {
    let ways = 1;
    while (this.#at < this.#pattern.length && !'|)'.includes(this.#pattern[this.#at]!)) {
      if (this.#take(BORDER)) continue;
      const atom = this.#take(ATOM)?.[0];
      ways *= this.#repeated(atom, atom === undefined ? this.#group(depth) : 1);
      if (!Number.isFinite(ways)) break;
    }
    return ways;
  }

  #group(depth: number): number {
    if (depth === DEEPEST || !this.#take(GROUP)) return Infinity;
    const { ways } = this.#branches(depth + 1);
    const isClosed = this.#pattern[this.#at] === ')';
    this.#at += 1;
    return isClosed ? ways : Infinity;
  }

  /** The ways of something that has `inner` of them, with the quantifier behind it. */
  #repeated(atom: string | undefined, inner: number): number {
    const [least, most] = timesOf(this.#take(QUANTIFIER));
    if (atom !== undefined && this.#endsBefore(atom)) return 1;
    return inner ** most * (1 + Math.max(0, most - least));
  }

  /** What follows is the end, or a character that `atom` never takes: there is one way to stop. */
  #endsBefore(atom: string): boolean {
    const rest = this.#pattern.slice(this.#at);
    if (rest === '' || rest === '$') return true;
    const [next = '', after = ''] = rest;
    return !/[\\[\](){}^$.*+?|]/.test(next) && !'*?{'.includes(after || ' ') && !new RegExp(`^${atom}$`, 'u').test(next);
  }
}

/** How often what stands before a quantifier may come. */
function timesOf(quantifier: RegExpExecArray | null): [least: number, most: number] {
  if (!quantifier) return [1, 1];
  const [, sign, least = '', comma, most] = quantifier;
  if (sign) return [sign === '+' ? 1 : 0, sign === '?' ? 1 : LONGEST_SUBJECT];
  return [Number(least), Math.min(LONGEST_SUBJECT, Number(most || (comma ? LONGEST_SUBJECT : least)))];
}
