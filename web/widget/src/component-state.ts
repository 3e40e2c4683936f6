// Whether a form or buttons can still be answered, and if not, why.
import type { Component, ComponentEvent, Outgoing } from '../../client/src/types.ts';
import type { StringKey } from './strings.ts';

export interface ComponentState {
  readonly component: Component | undefined;
  /** Its submit on the way, or refused. */
  readonly submit: Outgoing | undefined;
}

/** Why a component can no longer be answered; null while it can, or when it was. */
export function closedReason(event: ComponentEvent, component: Component | undefined): StringKey | null {
  if (!component || component.status === 'submitted') return null;
  if (component.status === 'closed') return reasonKey(component.reason);
  return isExpired(event) ? 'closed_expired' : null;
}

function isExpired(event: ComponentEvent): boolean {
  return event.expires_at !== undefined && Date.parse(event.expires_at) <= Date.now();
}

function reasonKey(reason: Component['reason']): StringKey {
  switch (reason) {
    case 'superseded':
      return 'closed_superseded';
    case 'complete':
      return 'closed_complete';
    case 'chat_closed':
      return 'closed_chat';
    case undefined:
      return 'closed_other';
  }
}
