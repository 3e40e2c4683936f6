// chatstream, headless: a connection that survives everything, and one chat at a time folded from its frames.
//
//   import { ChatClient } from './client.js';
//   const client = new ChatClient({ url: 'https://host/api/v1' });
//   client.subscribe(() => draw(client.snapshot));
//   client.connect();                       // at mount; without it, the first `send` connects
//   client.send('Wake me at seven');
//
// One client owns one connection, one outbox and the current chat.
//   connect() disconnect()     disconnect: the widget is gone; the chat stays and can be opened again
//   retryNow()                 the click on "retry now"
//   open(chatId?, {events?})   another chat becomes the current one; without an id, a new one.
//                              `events`: frames kept from an earlier visit, shown at once, then continued
//   send(content, {user_intent_id?, new_intent?})  submit(componentId, values)
//   stop()  retry(messageId)  resume(intentId)  abandon(intentId)  close()
//                              commands: each returns its id, or null when 50 are waiting already.
//                              close: the chat window is closed for good
//   resend(id) discard(id)     what has failed in the outbox: again (same id), or away
//   loadEarlier(count?)        older events in front of the held ones; false: there are no more
//   chats(limit?)  request(method, path, body?)    HTTP with this client's token
//   state events intents chat outbox snapshot      reading; `snapshot` is new at each change
//   subscribe(listener)        called after each change; returns the function that ends it
//
// Several chats on the screen at once are several clients. `apply(state, frames)` is the pure fold that all of this
// shows; also a replay's: `foldEvents(id, events)`.
export { apply, foldEvents, initialChat } from './reducer.ts';
export { ChatClient } from './client.ts';
export type { ClientOptions } from './client.ts';
export type { Environment } from './environment.ts';
export type * from './types.ts';
