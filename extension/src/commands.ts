import type { JupyterFrontEnd } from '@jupyterlab/application';
import { Clipboard, Dialog, InputDialog, Notification, showDialog } from '@jupyterlab/apputils';
import type { IFileBrowserFactory } from '@jupyterlab/filebrowser';
import type { INotebookTracker, NotebookPanel } from '@jupyterlab/notebook';
import type { TranslationBundle } from '@jupyterlab/translation';
import { copyIcon, fileIcon, refreshIcon, saveIcon } from '@jupyterlab/ui-components';
import type { LabIcon } from '@jupyterlab/ui-components';
import type { ReadonlyPartialJSONObject } from '@lumino/coreutils';

import type { Follower } from './follower';
import { flowIcon, roleIcons } from './icon';
import type { Role } from './roles';
import { hasRole, isRole, toggleRole } from './roles';
import { saveFlow } from './save';
import type { ISurroundings } from './save';
import { Problem } from './server';

export namespace CommandIDs {
  export const openPanel = 'kestra-nb:open-panel';
  export const preview = 'kestra-nb:preview';
  export const save = 'kestra-nb:save';
  export const copy = 'kestra-nb:copy';
  export const openFlow = 'kestra-nb:open-flow';
  export const refresh = 'kestra-nb:refresh';
  export const why = 'kestra-nb:why';
  export const toggleRole = 'kestra-nb:toggle-role';
}

/** What the commands work with. */
export interface IHouse extends ISurroundings {
  readonly app: JupyterFrontEnd;
  readonly tracker: INotebookTracker | null;
  readonly browsers: IFileBrowserFactory | null;
  /** The shell has a main area that takes more than one document. */
  readonly roomy: boolean;
  readonly follow: (panel: NotebookPanel) => Follower;
  readonly openPanel: (follower: Follower) => void;
  readonly openPreview: (follower: Follower | null, path: string) => void;
  /** The path of the notebook whose preview is in front, or empty. */
  readonly previewed: () => string;
}

/** The open notebook that a call is about: named by the panel's id or the path, else the current one. */
function notebookOf(house: IHouse, args: ReadonlyPartialJSONObject): NotebookPanel | null {
  const path =
    typeof args.notebook === 'string' ? args.notebook : typeof args.panel === 'string' ? '' : house.previewed();
  if (typeof args.panel === 'string' || path !== '') {
    return house.tracker?.find(item => item.id === args.panel || item.context.path === path) ?? null;
  }
  return house.tracker?.currentWidget ?? null;
}

function selectedNotebook(house: IHouse): string {
  for (const item of house.browsers?.tracker.currentWidget?.selectedItems() ?? []) {
    if (item.type === 'notebook') {
      return item.path;
    }
  }
  return '';
}

async function opened(house: IHouse, path: string): Promise<NotebookPanel | null> {
  const widget: unknown = await house.app.commands.execute('docmanager:open', { path });
  return house.tracker?.find(item => item === widget || item.context.path === path) ?? null;
}

export function addCommands(house: IHouse): void {
  const { app, trans } = house;
  const schema = { type: 'object', properties: { panel: { type: 'string' }, notebook: { type: 'string' } } } as const;
  const has = (args: ReadonlyPartialJSONObject): boolean => notebookOf(house, args) !== null;
  const add = (id: string, options: IAction): void => {
    app.commands.addCommand(id, {
      label: args => (args.short === true ? options.short : options.label),
      caption: options.caption,
      icon: options.icon,
      describedBy: { args: schema },
      isEnabled: options.isEnabled ?? has,
      isVisible: options.isVisible ?? (() => true),
      execute: async args => {
        const panel = args.browser === true ? await opened(house, selectedNotebook(house)) : notebookOf(house, args);
        if (panel) {
          await panel.context.ready;
          await options.run(house.follow(panel), args);
        }
      }
    });
  };

  add(CommandIDs.openPanel, {
    label: trans.__('Show Kestra Panel'),
    short: trans.__('Kestra'),
    caption: trans.__('Show what this notebook needs and the Kestra flow it becomes'),
    icon: flowIcon,
    run: follower => {
      follower.activate();
      house.openPanel(follower);
    }
  });
  add(CommandIDs.preview, {
    label: trans.__('Preview Kestra Flow'),
    short: trans.__('Preview Flow'),
    caption: trans.__('Show the Kestra flow that this notebook becomes'),
    icon: flowIcon,
    isEnabled: args => (args.browser === true ? selectedNotebook(house) !== '' : has(args)),
    isVisible: args => args.browser !== true || house.roomy,
    run: follower => {
      house.openPreview(follower, follower.path);
    }
  });
  add(CommandIDs.save, {
    label: trans.__('Save Kestra Flow'),
    short: trans.__('Save Flow'),
    caption: trans.__('Write the Kestra flow of this notebook, with its files'),
    icon: saveIcon,
    run: follower => saveFlow(follower, house)
  });
  add(CommandIDs.copy, {
    label: trans.__('Copy Kestra Flow'),
    short: trans.__('Copy Flow'),
    caption: trans.__('Copy the YAML of this notebook’s flow'),
    icon: copyIcon,
    run: async follower => {
      await told(async () => {
        Clipboard.copyToSystem((await follower.preview()).yaml);
        Notification.success(trans.__('The flow was copied.'), { autoClose: 3000 });
      });
    }
  });
  add(CommandIDs.openFlow, {
    label: trans.__('Open Saved Kestra Flow'),
    short: trans.__('Open Saved Flow'),
    caption: trans.__('Open the file of this notebook’s flow'),
    icon: fileIcon,
    isEnabled: args => {
      const panel = notebookOf(house, args);
      return panel !== null && house.follow(panel).answer?.flow.saved === true;
    },
    run: async follower => {
      await app.commands.execute('docmanager:open', { path: follower.answer?.flow.path ?? '' });
    }
  });
  add(CommandIDs.refresh, {
    label: trans.__('Read Notebook Again for Kestra'),
    short: trans.__('Read Again'),
    caption: trans.__('Read notebook and kernel again'),
    icon: refreshIcon,
    run: follower => follower.refresh(true)
  });
  add(CommandIDs.why, {
    label: trans.__('Why Is This Distribution in the Kestra Flow?'),
    short: trans.__('Why Is This Distribution Here?'),
    caption: trans.__('Show the chain from a cell to a distribution, or why it was left out'),
    icon: flowIcon,
    run: (follower, args) => told(() => explain(follower, typeof args.name === 'string' ? args.name : '', trans))
  });
  addRoles(house);
}

interface IAction {
  /** Where nothing else says Kestra, and where something does. */
  label: string;
  short: string;
  caption: string;
  icon: LabIcon;
  isEnabled?: (args: ReadonlyPartialJSONObject) => boolean;
  isVisible?: (args: ReadonlyPartialJSONObject) => boolean;
  run: (follower: Follower, args: ReadonlyPartialJSONObject) => Promise<void> | void;
}

async function told(action: () => Promise<void>): Promise<void> {
  try {
    await action();
  } catch (error) {
    const hint = error instanceof Problem ? error.hint : '';
    Notification.error([error instanceof Error ? error.message : String(error), hint].filter(Boolean).join(' '), {
      autoClose: 10000
    });
  }
}

async function explain(follower: Follower, name: string, trans: TranslationBundle): Promise<void> {
  let subject = name;
  if (!subject) {
    const items = follower.answer?.requirements.map(item => item.name) ?? [];
    const result = await InputDialog.getItem({
      title: trans.__('Why is it here, or why not?'),
      label: trans.__('Distribution or module'),
      items,
      editable: true
    });
    subject = result.value?.trim() ?? '';
  }
  if (subject) {
    const { lines } = await follower.why(subject);
    await showDialog({
      title: trans.__('Why %1?', subject),
      body: lines.join('\n\n'),
      buttons: [Dialog.okButton({ label: trans.__('Close') })]
    });
  }
}

function addRoles(house: IHouse): void {
  const { app, tracker, trans } = house;
  const labels: Record<Role, string> = {
    parameters: trans.__('Cell Holds Inputs of the Kestra Flow'),
    skip: trans.__('Cell Stays Out of the Kestra Flow')
  };
  const captions: Record<Role, string> = {
    parameters: trans.__('Make the names this cell sets inputs of the Kestra flow (tag "parameters")'),
    skip: trans.__('Leave this cell out of the Kestra flow (tag "skip")')
  };
  const cell = (): NotebookPanel['content']['activeCell'] => tracker?.activeCell ?? null;
  app.commands.addCommand(CommandIDs.toggleRole, {
    label: args => (isRole(args.role) ? labels[args.role] : trans.__('Role in the Flow')),
    caption: args => (isRole(args.role) ? captions[args.role] : ''),
    icon: args => (isRole(args.role) ? roleIcons[args.role] : flowIcon),
    describedBy: { args: { type: 'object', properties: { role: { type: 'string', enum: ['parameters', 'skip'] } } } },
    isEnabled: args => isRole(args.role) && cell()?.model.type === 'code',
    isToggled: args => {
      const model = cell()?.model;
      return isRole(args.role) && model !== undefined && hasRole(model, args.role);
    },
    execute: args => {
      const model = cell()?.model;
      if (isRole(args.role) && model?.type === 'code') {
        toggleRole(model, args.role);
        app.commands.notifyCommandChanged(CommandIDs.toggleRole);
      }
    }
  });
}
