// Draws an element again when something it shows expires.
import type { ReactiveController, ReactiveControllerHost } from 'lit';

const LONGEST_TIMEOUT_MS = 2 ** 31 - 1;

export class ExpiryTimer implements ReactiveController {
  readonly #host: ReactiveControllerHost;
  readonly #times: () => readonly (string | undefined)[];
  #timer: ReturnType<typeof setTimeout> | undefined;

  /** `times`: RFC 3339, asked anew after each update. */
  constructor(host: ReactiveControllerHost, times: () => readonly (string | undefined)[]) {
    this.#host = host;
    this.#times = times;
    host.addController(this);
  }

  hostUpdated(): void {
    clearTimeout(this.#timer);
    const left = this.#times().map((time) => Date.parse(time ?? '') - Date.now());
    const next = Math.min(...left.filter((milliseconds) => milliseconds > 0));
    if (next <= LONGEST_TIMEOUT_MS) this.#timer = setTimeout(() => this.#host.requestUpdate(), next + 10);
  }

  hostDisconnected(): void {
    clearTimeout(this.#timer);
  }
}
