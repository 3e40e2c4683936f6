// The steps of a turn: what the agent did on the way, a started step and its end being one.
import type { ThinkingEvent, ToolCallEvent, ToolResultEvent } from '../../client/src/types.ts';

export interface Step {
  /** Equal for the start and the end of one step. */
  readonly key: string;
  readonly label: string;
  readonly text: string;
  readonly status: 'started' | 'completed' | 'failed';
  readonly attempt: number | undefined;
  readonly of: number | undefined;
  readonly startedAt: string;
  readonly durationMs: number | undefined;
  /** Names that are still missing, where the agent says so in the step's `data`. */
  readonly missing: readonly string[];
}

/** The steps with `event` taken in. */
export function withStep(
  steps: readonly Step[],
  event: ThinkingEvent | ToolCallEvent | ToolResultEvent,
): readonly Step[] {
  switch (event.type) {
    case 'thinking':
      return replaceStarted(steps, thinkingStep(event));
    case 'tool_call':
      return [...steps, toolStep(event)];
    case 'tool_result':
      return endTool(steps, event);
  }
}

/** The whole time of `steps` in milliseconds, as far as it was measured. */
export function totalDuration(steps: readonly Step[]): number {
  return steps.reduce((sum, step) => sum + (step.durationMs ?? 0), 0);
}

function thinkingStep(event: ThinkingEvent): Step {
  return {
    key: `${event.step} ${event.attempt ?? 0}`,
    label: event.step,
    text: event.content ?? '',
    status: event.status,
    attempt: event.attempt,
    of: event.of,
    startedAt: event.timestamp,
    durationMs: event.duration_ms,
    missing: missingIn(event.data),
  };
}

function replaceStarted(steps: readonly Step[], step: Step): readonly Step[] {
  const at = steps.findLastIndex((known) => known.key === step.key && known.status === 'started');
  const known = steps[at];
  if (known === undefined || step.status === 'started') return [...steps, step];
  return steps.with(at, { ...step, text: step.text || known.text, startedAt: known.startedAt });
}

function toolStep(event: ToolCallEvent): Step {
  return {
    key: `call ${event.call_id}`,
    label: event.name,
    text: event.arguments ? JSON.stringify(event.arguments) : '',
    status: 'started',
    attempt: undefined,
    of: undefined,
    startedAt: event.timestamp,
    durationMs: undefined,
    missing: [],
  };
}

function endTool(steps: readonly Step[], event: ToolResultEvent): readonly Step[] {
  const at = steps.findLastIndex((step) => step.key === `call ${event.call_id}`);
  const call = steps[at];
  if (call === undefined) return steps;
  const durationMs = Math.max(0, Date.parse(event.timestamp) - Date.parse(call.startedAt));
  return steps.with(at, { ...call, status: event.ok ? 'completed' : 'failed', durationMs });
}

function missingIn(data: unknown): readonly string[] {
  if (typeof data !== 'object' || data === null || !('missing' in data)) return [];
  const missing = data.missing;
  return Array.isArray(missing) ? missing.filter((name) => typeof name === 'string') : [];
}
