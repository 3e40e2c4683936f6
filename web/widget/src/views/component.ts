// What an agent puts into the chat: a form, buttons, or something this widget does not know.
import { html, nothing, type TemplateResult } from 'lit';
import type { ComponentEvent } from '../../../client/src/types.ts';
import { closedReason, type ComponentState } from '../component-state.ts';
import '../elements/form-element.ts';
import { icons } from '../icons.ts';
import type { View } from '../view.ts';

export function componentView(event: ComponentEvent, state: ComponentState, view: View): TemplateResult {
  if (event.erased) return html`<p class="note">${view.texts.get('erased')}</p>`;
  switch (event.kind) {
    case 'form':
      return html`<chatstream-form
        part="form"
        .event=${event}
        .state=${state}
        .view=${view}
      ></chatstream-form>`;
    case 'buttons':
      return buttonsView(event, state, view);
    default:
      return placeholder(event, view);
  }
}

function buttonsView(event: ComponentEvent, state: ComponentState, view: View): TemplateResult {
  const chosen = chosenValue(state);
  const closed = closedReason(event, state.component);
  const busy = state.submit !== undefined && state.submit.status !== 'failed';
  const failed = state.submit?.status === 'failed' ? state.submit.error?.message : undefined;
  const disabled = busy || closed !== null || state.component?.status !== 'open';
  return html`<div class="buttons" part="buttons" role="group" aria-label=${event.title ?? ''}>
    ${event.title ? html`<p class="component-title" dir="auto">${event.title}</p>` : nothing}
    <div class="button-row">
      ${(event.options ?? []).map(
        (option) =>
          html`<button
            type="button"
            part="button"
            dir="auto"
            ?disabled=${disabled}
            aria-pressed=${String(chosen === option.value)}
            @click=${() => view.actions.submit(event.component_id, { value: option.value })}
          >
            ${chosen === option.value ? icons.check : nothing}${option.label}
          </button>`,
      )}
    </div>
    ${closed ? html`<p class="note">${view.texts.get(closed)}</p>` : nothing}
    ${failed ? html`<p class="note bad" role="alert">${failed}</p>` : nothing}
  </div>`;
}

function chosenValue({ component, submit }: ComponentState): unknown {
  if (component?.values) return component.values['value'];
  const command = submit?.command;
  return command?.type === 'submit' && submit?.status !== 'failed' ? command.values['value'] : undefined;
}

function placeholder(event: ComponentEvent, view: View): TemplateResult {
  return html`<div class="placeholder" part="placeholder">
    ${event.title ? html`<p class="component-title" dir="auto">${event.title}</p>` : nothing}
    <p class="note" dir="auto">${view.texts.get('unknown_component', { kind: event.kind })}</p>
  </div>`;
}
