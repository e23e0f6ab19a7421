import { Clipboard, Dialog, Notification, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';

import type { Follower, IPreferences } from './follower';
import { goTo } from './goto';
import { CANCELLED, Problem } from './server';
import type { IExportAnswer } from './types';

/** The server refused to write, and could be told to do it all the same. */
const CONFLICT = 409;

export interface ISurroundings {
  readonly commands: CommandRegistry;
  readonly preferences: () => IPreferences;
  readonly trans: TranslationBundle;
}

/** Write the flow of a notebook; resolves when that is done, refused or cancelled. */
export async function saveFlow(follower: Follower, around: ISurroundings, force = false): Promise<void> {
  const { trans } = around;
  const cancel = new AbortController();
  const id = Notification.emit(trans.__('Writing the flow of %1…', follower.path), 'in-progress', {
    autoClose: false,
    actions: [
      {
        label: trans.__('Cancel'),
        callback: () => {
          cancel.abort();
        }
      }
    ]
  });
  try {
    if (!force && around.preferences().confirmOverwrite && !(await mayReplace(follower, trans, cancel.signal))) {
      throw new Problem(trans.__('The saved flow was left as it is.'), CANCELLED);
    }
    report(id, await follower.save(force, cancel.signal), around);
  } catch (error) {
    refuse(id, error, follower, around);
  }
}

async function mayReplace(follower: Follower, trans: TranslationBundle, signal: AbortSignal): Promise<boolean> {
  const { difference, flow } = await follower.preview(signal);
  if (difference.length === 0) {
    return true;
  }
  const count = (kind: string): number => difference.filter(line => line.kind === kind).length;
  const result = await showDialog({
    title: trans.__('Replace the saved flow?'),
    body: trans.__(
      '%1 differs from what this notebook gives now: %2 new lines, %3 gone. The preview shows them under "Changes".',
      flow.path,
      count('+'),
      count('-')
    ),
    buttons: [Dialog.cancelButton(), Dialog.warnButton({ label: trans.__('Replace') })]
  });
  return result.button.accept;
}

function report(id: string, answer: IExportAnswer, around: ISurroundings): void {
  const { commands, trans } = around;
  const same = answer.written.length === 0;
  Notification.update({
    id,
    type: 'success',
    message: same
      ? trans.__('%1 was up to date already.', answer.flow.path)
      : trans._n(
          '%2 was written.',
          '%2 was written, with %3 more.',
          answer.written.length,
          answer.flow.path,
          answer.written.length - 1
        ),
    autoClose: 8000,
    actions: [
      {
        label: trans.__('Open Flow'),
        callback: () => {
          void commands.execute('docmanager:open', { path: answer.flow.path });
        }
      },
      {
        label: trans.__('Copy Path'),
        callback: () => {
          Clipboard.copyToSystem(answer.flow.path);
        }
      }
    ]
  });
}

function refuse(id: string, error: unknown, follower: Follower, around: ISurroundings): void {
  const { trans } = around;
  const problem = error instanceof Problem ? error : new Problem(String(error), '');
  if (problem.code === CANCELLED) {
    Notification.update({ id, type: 'info', message: problem.message, autoClose: 4000, actions: [] });
    return;
  }
  const place = problem.location;
  const actions: Notification.IAction[] = [];
  if (place?.cell != null) {
    actions.push({
      label: trans.__('Show Cell'),
      callback: () => {
        void goTo(follower, place);
      }
    });
  }
  if (problem.status === CONFLICT) {
    actions.push({
      label: trans.__('Write All the Same'),
      displayType: 'warn',
      callback: () => {
        void saveFlow(follower, around, true);
      }
    });
  }
  Notification.update({
    id,
    type: 'error',
    message: [problem.message, problem.hint].filter(Boolean).join(' '),
    autoClose: false,
    actions
  });
}
