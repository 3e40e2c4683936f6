// All styles of the chat, as constructable sheets: a page's CSP needs no `unsafe-inline` for them.
import { answer } from './answer.ts';
import { base } from './base.ts';
import { composer } from './composer.ts';
import { forms } from './forms.ts';
import { frame } from './frame.ts';
import { log } from './log.ts';

export const styles = [base, frame, log, answer, forms, composer];
