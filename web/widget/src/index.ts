// The widget as an ES module: importing it defines the elements.
export { ChatElement } from './chat-element.ts';
export { LauncherElement } from './launcher-element.ts';
export type { ChatProperties, OfflineReply } from './options.ts';
export { ENGLISH } from './strings.ts';
export type { StringKey, StringOverrides } from './strings.ts';
export { ChatClient } from '../../client/src/index.ts';
