// How long the connection waits for what, in milliseconds.

export const FIRST_BACK_OFF_MS = 250;
export const LONGEST_BACK_OFF_MS = 10_000;
/** Live for so long: the server is well, the next loss begins the back-off anew. */
export const SETTLED_MS = 5_000;
/** For the upgrade and `welcome` together: two that hang still fall within `UPGRADES_MS`. */
export const DIAL_MS = 8_000;
export const UPGRADES_MS = 10_000;
export const PROBE_MS = 3_000;
export const AFTER_FLOOD_MS = 60_000;
export const RENEW_BEFORE_MS = 60_000;
/** `setTimeout` takes no more; a visitor's token lives longer. */
export const LONGEST_TIMER_MS = 2 ** 31 - 1;
