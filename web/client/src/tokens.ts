// Who the user is: the host application's token, or a visitor's that the server gave and this browser keeps.
import type { Store } from './environment.ts';

export type GetToken = () => Promise<string> | string;

export interface Tokens {
  /** True where the host application signs; a visitor's token has no one to renew it but the server. */
  fromHost: boolean;
  /** The one in use, asked for at first need; undefined: be a new visitor. Rejects as `getToken` does. */
  current(): Promise<string | undefined>;
  /** A visitor's own, to be kept. */
  keep(token: string | undefined): void;
  /** It was refused or is about to expire: do not offer it again. */
  forget(): void;
}

export function tokens(store: Store, key: string, getToken?: GetToken): Tokens {
  let held: string | undefined;
  const keep = (token = '') => {
    held = token || undefined;
    if (!getToken) store.setItem(key, token);
  };
  return {
    fromHost: !!getToken,
    current: async () => (held ??= (getToken ? await getToken() : store.getItem(key)) || undefined),
    keep: (token) => token && keep(token),
    forget: () => keep(),
  };
}
