// Compiled, not run: each type written by hand has the fields, and the types of fields, that the server's schema has.
import type * as Gen from '../src/types.gen.ts';
import type * as Hand from '../src/types.ts';

type Of<U, T> = Extract<U, { type: T }>;
// Fields whose values a person or an agent wrote may be missing, once erased: what is compared is the field itself.
type Same<H, G> = [keyof H] extends [keyof G]
  ? [keyof G] extends [keyof H]
    ? Required<G> extends Required<H>
      ? true
      : { differs: { [K in keyof G & keyof H as Required<G>[K] extends Required<H>[K] ? never : K]: [H[K], G[K]] } }
    : { missing: Exclude<keyof G, keyof H> }
  : { invented: Exclude<keyof H, keyof G> };

type Frames<H extends { type: string }, G extends { type: string }> = {
  [T in G['type']]: Same<Of<H, T>, Of<G, T>>;
};

type AllTrue<T extends Record<string, true>> = T;

export type Events = AllTrue<Frames<Hand.EventFrame, Gen.EventFrame>>;
export type Controls = AllTrue<Frames<Hand.ControlFrame, Gen.ControlFrame>>;
// What the client sends must be what the server takes: the other way round, and it need not use every field.
type Filled<T> = { [K in keyof T]-?: Exclude<T[K], undefined> };
type Taken<H, G> = Filled<Pick<H, keyof H & keyof G>> extends Filled<Pick<G, keyof H & keyof G>>
  ? [keyof H] extends [keyof G]
    ? true
    : { invented: Exclude<keyof H, keyof G> }
  : { differs: [H, G] };
export type Commands = AllTrue<{ [T in Gen.ClientFrame['type']]: Taken<Of<Hand.ClientFrame, T>, Of<Gen.ClientFrame, T>> }>;
export type Shapes = AllTrue<{
  intent: Same<Hand.Intent, Omit<Gen.IntentView, 'user_chat_id'>>;
  question: Same<Hand.Question, Gen.Question>;
  session: Same<Hand.Session, Gen.SessionView>;
  turn: Same<Hand.RunningTurn, Gen.TurnView>;
  option: Same<Hand.Option, Gen.Option>;
}>;
