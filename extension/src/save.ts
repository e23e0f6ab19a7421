import { Clipboard, Dialog, Notification, showDialog } from '@jupyterlab/apputils';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';

import type { Follower, IPreferences } from './follower';
import { goTo } from './goto';
import { CANCELLED, Problem } from './server';
import type { IExportAnswer } from './types';

/** The server refused to write, and could be told to do it all the same. */
const CONFLICT = 409;
const SHOWN_AFTER = 700;
/** JupyterLab loses an update that comes before the notification was drawn. */
const SETTLED_AFTER = 500;

export interface ISurroundings {
  readonly commands: CommandRegistry;
  readonly preferences: () => IPreferences;
  readonly trans: TranslationBundle;
}

/** Write the flow of a notebook; resolves when that is done, refused or cancelled. */
export async function saveFlow(follower: Follower, around: ISurroundings, force = false): Promise<void> {
  const { trans } = around;
  const cancel = new AbortController();
  const progress = new Progress(trans.__('Writing the flow of %1…', follower.path), trans.__('Cancel'), () => {
    cancel.abort();
  });
  try {
    if (!force && around.preferences().confirmOverwrite && !(await mayReplace(follower, trans, cancel.signal))) {
      throw new Problem(trans.__('The saved flow was left as it is.'), CANCELLED);
    }
    progress.begin();
    await progress.end(written(await follower.save(force, cancel.signal), around));
  } catch (error) {
    await progress.end(refused(error, follower, around));
  }
}

interface IEnd {
  type: 'success' | 'info' | 'error';
  message: string;
  autoClose: number | false;
  actions: Notification.IAction[];
}

/** One notification for work that may take its time; quick work shows its end only. */
class Progress {
  constructor(
    private readonly _message: string,
    private readonly _label: string,
    private readonly _cancel: () => void
  ) {}

  begin(): void {
    this._timer = setTimeout(() => {
      this._id = Notification.emit(this._message, 'in-progress', {
        autoClose: false,
        actions: [{ label: this._label, callback: this._cancel }]
      });
      this._shown = new Promise(resolve => setTimeout(resolve, SETTLED_AFTER));
    }, SHOWN_AFTER);
  }

  async end({ type, message, autoClose, actions }: IEnd): Promise<void> {
    clearTimeout(this._timer);
    if (this._id === '') {
      Notification.emit(message, type, { autoClose, actions });
      return;
    }
    await this._shown;
    Notification.update({ id: this._id, type, message, autoClose, actions });
  }

  private _id = '';
  private _timer = 0;
  private _shown: Promise<unknown> = Promise.resolve();
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

function written(answer: IExportAnswer, around: ISurroundings): IEnd {
  const { commands, trans } = around;
  const { path } = answer.flow;
  const count = answer.written.length;
  return {
    type: 'success',
    message:
      count === 0
        ? trans.__('%1 was up to date already.', path)
        : count === 1
          ? trans.__('%1 was written.', path)
          : trans.__('%1 was written, and %2 files with it.', path, count - 1),
    autoClose: 8000,
    actions: [
      {
        label: trans.__('Open Flow'),
        callback: () => {
          void commands.execute('docmanager:open', { path });
        }
      },
      {
        label: trans.__('Copy Path'),
        callback: () => {
          Clipboard.copyToSystem(path);
        }
      }
    ]
  };
}

function refused(error: unknown, follower: Follower, around: ISurroundings): IEnd {
  const { trans } = around;
  const problem = error instanceof Problem ? error : new Problem(String(error), '');
  if (problem.code === CANCELLED) {
    return { type: 'info', message: problem.message, autoClose: 4000, actions: [] };
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
  const message = [problem.message, problem.hint].filter(Boolean).join(' ');
  return { type: 'error', message, autoClose: false, actions };
}
