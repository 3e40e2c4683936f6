// Keeps a scroller at its end while things are added, until the person scrolls up.

const NEAR_END_PX = 8;

export class ScrollKeeper {
  readonly #scroller: HTMLElement;
  readonly #onAttached: (attached: boolean) => void;
  #lastTop = 0;
  #attached = true;

  /** `onAttached` is told when the person leaves the end or comes back to it. */
  constructor(scroller: HTMLElement, onAttached: (attached: boolean) => void) {
    this.#scroller = scroller;
    this.#onAttached = onAttached;
    scroller.addEventListener('scroll', () => this.#onScroll(), { passive: true });
    scroller.addEventListener('wheel', (event) => event.deltaY < 0 && this.#detach(), { passive: true });
  }

  get attached(): boolean {
    return this.#attached;
  }

  /** Goes to the end if the person was there; at once, since smooth scrolling lags behind a stream. */
  stick(): void {
    if (this.#attached) this.#scroller.scrollTop = this.#scroller.scrollHeight;
    this.#lastTop = this.#scroller.scrollTop;
  }

  /** Goes to the end and stays there. */
  attach(): void {
    this.#set(true);
    this.stick();
  }

  /** What is being read now and where it stands; the function returned puts it back there. */
  hold(): () => void {
    const anchor = this.#firstVisible();
    const top = anchor?.getBoundingClientRect().top ?? 0;
    return () => {
      if (anchor) this.#scroller.scrollTop += anchor.getBoundingClientRect().top - top;
      this.#lastTop = this.#scroller.scrollTop;
    };
  }

  #firstVisible(): Element | null {
    const { top } = this.#scroller.getBoundingClientRect();
    // A message, since the line of the day moves up to the first message of that day.
    const entries = [...this.#scroller.querySelectorAll('.entry:not(.divider)')];
    return entries.find((entry) => entry.getBoundingClientRect().bottom > top) ?? null;
  }

  #onScroll(): void {
    const { scrollTop, scrollHeight, clientHeight } = this.#scroller;
    if (scrollHeight - scrollTop - clientHeight <= NEAR_END_PX) this.#set(true);
    else if (scrollTop < this.#lastTop) this.#set(false);
    this.#lastTop = scrollTop;
  }

  #detach(): void {
    const { scrollHeight, clientHeight } = this.#scroller;
    if (scrollHeight > clientHeight) this.#set(false);
  }

  #set(attached: boolean): void {
    if (attached === this.#attached) return;
    this.#attached = attached;
    this.#onAttached(attached);
  }
}
