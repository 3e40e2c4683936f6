// Every look of the widget by name, for screenshots and for work on the design: open
// `?scene=form&theme=dark&dir=rtl` in a browser.
import '../../src/index.ts';
import type { ChatElement } from '../../src/chat-element.ts';
import type { Intent, ServerFrame } from '../../../client/src/types.ts';
import { everyHostile } from '../hostile.ts';
import { CHAT, Script } from './frames.ts';
import { StubClient } from './stub-client.ts';

export const ALARM_SCHEMA = {
  type: 'object',
  required: ['time', 'repeat'],
  properties: {
    time: { type: 'string', format: 'time', title: 'Time', description: 'When it should ring.' },
    label: { type: 'string', title: 'Label', maxLength: 40 },
    repeat: { type: 'string', title: 'Repeat', enum: ['Once', 'Weekdays', 'Every day'] },
    volume: { type: 'integer', title: 'Volume', minimum: 1, maximum: 10, default: 7 },
    snooze: { type: 'boolean', title: 'Allow snooze', default: true },
  },
};

const MARKDOWN = `Here is a plan for **three days in Lisbon**, at an easy pace:

1. *Alfama* and the castle in the morning, [tram 28](https://example.com/tram) after lunch
2. Belém: the tower, the monastery, and \`pastéis de nata\`
3. A day trip to **Sintra**

| Day | Start | Walking |
|:----|:-----:|--------:|
| One | 09:30 | 6 km |
| Two | 10:00 | 4 km |

\`\`\`python
def budget(days: int, a_day: float = 85.0) -> float:
    return round(days * a_day, 2)
\`\`\`

> Trains to Sintra leave every twenty minutes from Rossio.`;

function alarm(script = new Script()): Script {
  return script
    .user('m1', 'Wake me up tomorrow, please', 'i1')
    .step('m1', 'session', 'Starting a new session', { duration_ms: 12 })
    .step('m1', 'intent_recognition', 'You would like to create an alarm', { duration_ms: 340 })
    .named('m1', 'i1', 'create_alarm', { day: 'tomorrow' })
    .step('m1', 'intent_processing', 'Calendar service did not answer', {
      duration_ms: 610,
      attempt: 1,
      of: 3,
      status: 'failed',
    })
    .step('m1', 'intent_processing', 'Asked the backup calendar', { duration_ms: 180, attempt: 2, of: 3 })
    .step('m1', 'parameter_extraction', 'Found the day, the time is missing', {
      duration_ms: 140,
      data: { missing: ['time'] },
    })
    .answer('m1', 'Sure, for tomorrow. **What time** should it ring?', 'i1', { follow_up: true })
    .end('m1', 'needs_input', 'i1');
}

function alarmDone(script = new Script()): Script {
  return alarm(script)
    .wait(20)
    .user('m2', 'Half past six', 'i1', false)
    .step('m2', 'parameter_extraction', 'The time is 06:30', { duration_ms: 90 })
    .step('m2', 'tool_execution', 'Setting the alarm', { duration_ms: 220 })
    .answer('m2', 'Done! Your alarm is set for **tomorrow at 06:30**. Sleep well.', 'i1', {
      is_complete: true,
    })
    .complete('m2', 'i1')
    .end('m2', 'finished', 'i1');
}

function travel(script: Script): Script {
  return script
    .wait(65)
    .user('m3', 'Plan three days in Lisbon for me', 'i2')
    .step('m3', 'intent_recognition', 'You would like to plan a trip', { duration_ms: 280 })
    .named('m3', 'i2', 'plan_trip', { city: 'Lisbon', days: 3 })
    .step('m3', 'response_generation', 'Writing the plan', { duration_ms: 2100 })
    .answer('m3', MARKDOWN, 'i2')
    .end('m3', 'finished', 'i2');
}

function abandoned(script = new Script()): Script {
  alarm(script)
    .wait(320)
    .event({ type: 'intent', status: 'abandoned', reason: 'idle', user_intent_id: 'i1' });
  return script;
}

function olderTask(id: string, name: string): Intent {
  const at = new Date(Date.UTC(2026, 10, 20)).toISOString();
  return { user_intent_id: id, status: 'abandoned', name, title: name, created_at: at, last_activity_at: at };
}

const scenes: Record<string, () => { client: StubClient; setUp?: (chat: ChatElement) => void }> = {
  long: () => ({ client: long(Number(new URLSearchParams(location.search).get('turns') ?? 700)) }),
  empty: () => ({
    client: new StubClient(new Script().delivered()),
    setUp: (chat) => (chat.suggestions = ['Set an alarm', 'Plan a trip', 'What can you do?']),
  }),
  tasks: () => ({ client: new StubClient(travel(alarmDone()).delivered()) }),
  waiting: () => ({ client: new StubClient(alarm().delivered()) }),
  thinking: () => ({ client: running(false) }),
  streaming: () => ({ client: running(true) }),
  form: () => {
    const script = alarm().wait(9);
    script
      .user('m2', 'Let me fill in a form', 'i1', false)
      .step('m2', 'components', 'Preparing a form', { duration_ms: 40 });
    script.form('m2', 'i1', 'Your new alarm', ALARM_SCHEMA).end('m2', 'needs_input', 'i1');
    return { client: new StubClient(script.delivered()) };
  },
  submitted: () => ({ client: new StubClient(submitted().delivered()) }),
  resume: () => ({
    client: new StubClient(
      abandoned().delivered({ resumable: [olderTask('i8', 'book_table'), olderTask('i9', 'send_message')] }),
    ),
  }),
  offline: () => {
    const client = new StubClient(alarmDone().delivered(), {
      status: 'waiting',
      retry_at: Date.now() + 7000,
      attempt: 3,
    });
    const command = { type: 'send', user_chat_id: CHAT } as const;
    client.set({
      outbox: [
        {
          command: { ...command, id: 'o1', content: 'Could you also remind me to take an umbrella?' },
          status: 'waiting',
          made_at: Date.now(),
        },
        {
          command: { ...command, id: 'o2', content: 'An older message' },
          status: 'failed',
          made_at: Date.now(),
          error: { code: 'expired', message: '' },
        },
      ],
    });
    return {
      client,
      setUp: (chat) =>
        (chat.offlineReplies = [
          { reply: 'Our assistant cannot be reached right now. Call 0800 123 456 for anything urgent.' },
        ]),
    };
  },
  signedout: () => ({
    client: new StubClient(alarm().delivered(), { status: 'closed', reason: 'unauthenticated' }),
  }),
  reminder: () => {
    const script = alarmDone().wait(3600).reminder('r1', '**Take the cake out of the oven.**');
    script
      .wait(300)
      .event({ type: 'turn', status: 'started', attempt: 1, caused_by: 'r2' })
      .step('r2', 'reminder', 'Cancelled: Call Ada')
      .event({ type: 'turn', status: 'finished', attempt: 1, caused_by: 'r2' });
    return { client: new StubClient(travel(script).wait(50_000).reminder('r3', 'Stand up!').delivered()) };
  },
  error: () => {
    const script = new Script().user('m1', 'Book a table for two', 'i1');
    script.step('m1', 'tool_execution', 'Asking the restaurant', { status: 'failed', duration_ms: 5000 });
    script.fails('m1', 'i1', 'The restaurant did not answer in time.', 'agent_timeout');
    return { client: new StubClient(script.delivered()) };
  },
  brokenoff: () => {
    const script = new Script().user('m0', 'Tell me about the tram', 'i0');
    // Of an older server: pieces without a whole.
    script.piece('m0', 'msg_old', 0, 'Tram 28 starts at Martim Moniz and').fails('m0', 'i0', 'Something went wrong.');
    script.wait(30).user('m1', 'Plan three days in Lisbon for me', 'i1');
    script
      .answer('m1', `${MARKDOWN.slice(0, 190)}`, 'i1', { stopped: true })
      .fails('m1', 'i1', 'The guide did not answer in time.', 'agent_timeout');
    return { client: new StubClient(script.delivered()) };
  },
  hostile: () => {
    const script = new Script().user('m1', 'What is the worst you can say?', 'i1');
    for (const { text } of everyHostile().filter((_, index) => index % 700 === 0)) {
      script.answer('m1', text(2_000), 'i1');
    }
    return { client: new StubClient(script.end('m1', 'finished', 'i1').delivered()) };
  },
  rtl: () => {
    const script = new Script()
      .user('m1', 'أيقظني غدًا في السابعة صباحًا', 'i1')
      .step('m1', 'intent_recognition', 'فهمت أنك تريد منبهًا', { duration_ms: 240 })
      .named('m1', 'i1', 'create_alarm', { time: '07:00' })
      .answer(
        'm1',
        'تم! ضبطت المنبه على **الساعة 07:00** غدًا.\n\n- التكرار: مرة واحدة\n- الصوت: هادئ\n\n```\nalarm --at 07:00\n```',
        'i1',
      )
      .end('m1', 'finished', 'i1');
    script.event({
      type: 'component',
      component_id: 'cmp_b',
      kind: 'buttons',
      title: 'هل من شيء آخر؟',
      caused_by: 'm1',
      user_intent_id: 'i1',
      options: [
        { value: 'y', label: 'نعم' },
        { value: 'n', label: 'لا، شكرًا' },
      ],
    });
    return { client: new StubClient(script.delivered()) };
  },
  components: () => {
    const script = alarm().wait(5);
    script.user('m2', 'What can I choose?', 'i1', false).event({
      type: 'component',
      component_id: 'cmp_b',
      kind: 'buttons',
      title: 'How often?',
      caused_by: 'm2',
      user_intent_id: 'i1',
      options: [
        { value: 'once', label: 'Once' },
        { value: 'daily', label: 'Every day' },
        { value: 'weekly', label: 'Once a week' },
      ],
    });
    script.event({
      type: 'component',
      component_id: 'cmp_m',
      kind: 'map',
      title: 'Where you are',
      caused_by: 'm2',
      user_intent_id: 'i9',
    });
    return { client: new StubClient(script.end('m2', 'needs_input', 'i1').delivered()) };
  },
};

function submitted(): Script {
  const script = alarm().wait(9);
  script
    .user('m2', 'Let me fill in a form', 'i1', false)
    .form('m2', 'i1', 'Your new alarm', ALARM_SCHEMA)
    .end('m2', 'needs_input', 'i1');
  script.event({
    type: 'component_submitted',
    message_id: 'm3',
    component_id: 'cmp_i1',
    user_intent_id: 'i1',
    values: { time: '06:30', repeat: 'Weekdays', volume: 7, snooze: true },
  });
  script.event({ type: 'turn', status: 'started', attempt: 1, caused_by: 'm3', user_intent_id: 'i1' });
  script.answer('m3', 'Set for 06:30 on weekdays.', 'i1', { is_complete: true }).complete('m3', 'i1');
  return script.end('m3', 'finished', 'i1');
}

function running(answering: boolean): StubClient {
  const script = alarmDone().wait(40).user('m3', 'Plan three days in Lisbon for me', 'i2');
  script
    .step('m3', 'intent_recognition', 'You would like to plan a trip', { duration_ms: 280 })
    .named('m3', 'i2', 'plan_trip');
  script.step('m3', 'tool_execution', 'Trying the first guide', {
    duration_ms: 900,
    attempt: 1,
    of: 2,
    status: 'failed',
  });
  script.step('m3', 'tool_execution', 'Reading the second guide', { status: 'started', attempt: 2, of: 2 });
  const frames = script.delivered({ turn: { message_id: 'm3', attempt: 1 } });
  const delta: ServerFrame = {
    type: 'delta',
    user_chat_id: CHAT,
    message_id: 'msg_live',
    offset: 0,
    text: MARKDOWN.slice(0, 240),
  };
  return new StubClient(answering ? [...frames, delta] : frames);
}

function long(turns: number): StubClient {
  const script = new Script();
  for (let number = 0; number < turns; number += 1) {
    const [id, intent] = [`m${number}`, `i${number}`];
    script
      .user(id, `Message ${number}`, intent)
      .step(id, 'response_generation', 'Writing', { duration_ms: 30 });
    script
      .answer(id, `Answer **${number}**`, intent, { is_complete: true })
      .complete(id, intent)
      .end(id, 'finished', intent);
  }
  return new StubClient(script.delivered());
}

const query = new URLSearchParams(location.search);
const scene = scenes[query.get('scene') ?? 'tasks']?.();
document.documentElement.dir = query.get('dir') ?? 'ltr';
document.documentElement.lang = query.get('lang') ?? 'en';
const chat = document.createElement('chatstream-chat');
chat.theme = (query.get('theme') ?? 'auto') as ChatElement['theme'];
chat.layout = (query.get('layout') ?? 'panel') as ChatElement['layout'];
chat.heading = 'Assistant';
chat.cache = 'off';
if (scene) {
  scene.client.summaries = [
    {
      user_chat_id: CHAT,
      status: 'open',
      title: 'Wake me up tomorrow, please',
      position: 20,
      intent: null,
      last_activity_at: new Date().toISOString(),
    },
    {
      user_chat_id: 'c2',
      status: 'open',
      title: 'Book a table for two at the harbour',
      position: 9,
      intent: olderTask('i8', 'book_table'),
      last_activity_at: new Date(Date.now() - 8e7).toISOString(),
    },
    {
      user_chat_id: 'c3',
      status: 'open',
      title: 'How do I change my address?',
      position: 9,
      intent: null,
      last_activity_at: new Date(Date.now() - 8e8).toISOString(),
    },
  ];
  chat.client = scene.client.asClient;
  scene.setUp?.(chat);
}
document.body.append(chat);
Object.assign(window, { chat, client: scene?.client });
