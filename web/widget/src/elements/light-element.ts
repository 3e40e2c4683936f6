// An element that draws into itself: it lives inside the chat's shadow root, shares its styles
// and `::part` names, and is updated on its own.
import { LitElement } from 'lit';

export class LightElement extends LitElement {
  protected override createRenderRoot(): this {
    return this;
  }
}
