import type { JupyterFrontEnd, JupyterFrontEndPlugin } from '@jupyterlab/application';
import { ILabShell, ILayoutRestorer } from '@jupyterlab/application';
import { CommandToolbarButton, ICommandPalette, IToolbarWidgetRegistry, WidgetTracker } from '@jupyterlab/apputils';
import { IEditorServices } from '@jupyterlab/codeeditor';
import { IFileBrowserFactory } from '@jupyterlab/filebrowser';
import type { NotebookPanel } from '@jupyterlab/notebook';
import { INotebookTracker } from '@jupyterlab/notebook';
import { ISettingRegistry } from '@jupyterlab/settingregistry';
import { ITranslator, nullTranslator } from '@jupyterlab/translation';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { PartialJSONObject } from '@lumino/coreutils';

import { addCommands, CommandIDs } from './commands';
import type { IHouse } from './commands';
import type { IHost, IPreferences } from './follower';
import { Follower } from './follower';
import { KestraPanel } from './panel';
import { Preview, PreviewWidget } from './preview';
import { ROLES, showRoles } from './roles';
import { Server } from './server';

const PLUGIN_ID = 'kestra-nb:plugin';
const ROOM_FOR_TWO = 1000;

/** Settings of the front end alone; every other one is an option of kestra-nb. */
const OWN_SETTINGS: readonly string[] = ['confirmOverwrite', 'follow'];

type Optional<T> = T | null;

function activate(
  app: JupyterFrontEnd,
  tracker: Optional<INotebookTracker>,
  translator: Optional<ITranslator>,
  palette: Optional<ICommandPalette>,
  registry: Optional<ISettingRegistry>,
  restorer: Optional<ILayoutRestorer>,
  toolbars: Optional<IToolbarWidgetRegistry>,
  browsers: Optional<IFileBrowserFactory>,
  editors: Optional<IEditorServices>,
  labShell: Optional<ILabShell>
): void {
  const trans = (translator ?? nullTranslator).load('kestra_nb');
  const server = new Server(app.serviceManager.serverSettings, trans);
  const preferences = watchSettings(registry);
  const host: IHost = {
    server,
    preferences,
    localPath: path => app.serviceManager.contents.localPath(path),
    activate: id => {
      app.shell.activateById(id);
    }
  };
  const followers = new WeakMap<NotebookPanel, Follower>();
  const follow = (panel: NotebookPanel): Follower => {
    let follower = followers.get(panel);
    if (!follower) {
      follower = new Follower(panel, host);
      follower.changed.connect(() => {
        app.commands.notifyCommandChanged(CommandIDs.openFlow);
      });
      followers.set(panel, follower);
    }
    return follower;
  };

  const side = new KestraPanel(app.commands, trans);
  app.shell.add(side, 'right', { rank: 550, type: 'Kestra' });
  restorer?.add(side, side.id);

  const previews = new WidgetTracker<PreviewWidget>({ namespace: 'kestra-nb' });
  const house: IHouse = {
    app,
    commands: app.commands,
    trans,
    preferences,
    tracker,
    browsers,
    roomy: labShell !== null,
    follow,
    openPanel: follower => {
      side.follower = follower;
      app.shell.activateById(side.id);
    },
    openPreview: (follower, path) => {
      if (editors) {
        openPreview(follower, path, editors);
      }
    },
    previewed: () => (labShell?.currentWidget instanceof PreviewWidget ? labShell.currentWidget.content.path : '')
  };

  const openPreview = (follower: Follower | null, path: string, services: IEditorServices): void => {
    let widget = previews.find(item => item.content.path === path);
    if (!widget) {
      widget = new PreviewWidget(new Preview(path, services, trans), app.commands, trans);
      void previews.add(widget);
    }
    widget.toggleClass('kestra-mod-down', labShell === null);
    if (!widget.isAttached) {
      const ref = follower?.panel;
      const wide = (ref?.node.clientWidth ?? 0) > ROOM_FOR_TWO;
      app.shell.add(
        widget,
        labShell ? 'main' : 'down',
        ref && labShell ? { ref: ref.id, mode: wide ? 'split-right' : 'tab-after' } : {}
      );
    }
    widget.content.follower = follower;
    app.shell.activateById(widget.id);
  };

  addCommands(house);
  addToPalette(palette, trans);
  toolbars?.addFactory<NotebookPanel>('Notebook', 'kestra', panel => {
    const args = { panel: panel.id, short: true };
    return new CommandToolbarButton({ commands: app.commands, id: CommandIDs.openPanel, args });
  });
  void restorer?.restore(previews, {
    command: RESTORE_PREVIEW,
    args: widget => ({ notebook: widget.content.path }),
    name: widget => widget.content.path
  });
  app.commands.addCommand(RESTORE_PREVIEW, {
    label: trans.__('Preview Flow'),
    describedBy: { args: { type: 'object', properties: { notebook: { type: 'string' } } } },
    isVisible: () => false,
    execute: args => {
      const path = typeof args.notebook === 'string' ? args.notebook : '';
      const panel = tracker?.find(item => item.context.path === path);
      house.openPreview(panel ? follow(panel) : null, path);
    }
  });

  if (tracker) {
    watchNotebooks(tracker, house, side, previews);
  }
}

const RESTORE_PREVIEW = 'kestra-nb:restore-preview';

function watchNotebooks(
  tracker: INotebookTracker,
  house: IHouse,
  side: KestraPanel,
  previews: WidgetTracker<PreviewWidget>
): void {
  const { app, trans } = house;
  const labels = { parameters: trans.__('inputs of the flow'), skip: trans.__('not in the flow') };
  const notify = (): void => {
    app.commands.notifyCommandChanged();
  };
  tracker.widgetAdded.connect((_, panel) => {
    showRoles(
      panel,
      role => labels[role],
      () => {
        app.commands.notifyCommandChanged(CommandIDs.toggleRole);
      }
    );
    void panel.context.ready.then(() => {
      const preview = previews.find(item => item.content.path === panel.context.path);
      if (preview && !panel.isDisposed) {
        preview.content.follower = house.follow(panel);
      }
    });
  });
  tracker.currentChanged.connect((_, panel) => {
    side.follower = panel ? house.follow(panel) : null;
    notify();
  });
  tracker.activeCellChanged.connect(() => {
    app.commands.notifyCommandChanged(CommandIDs.toggleRole);
  });
  if (tracker.currentWidget) {
    side.follower = house.follow(tracker.currentWidget);
  }
}

/** Everything that can be done, under one category; what needs arguments once for each. */
function addToPalette(palette: Optional<ICommandPalette>, trans: TranslationBundle): void {
  const category = trans.__('Kestra');
  const { openPanel, refresh, preview, save, copy, openFlow, why } = CommandIDs;
  for (const command of [openPanel, refresh, preview, save, copy, openFlow, why]) {
    palette?.addItem({ command, category });
  }
  for (const role of ROLES) {
    palette?.addItem({ command: CommandIDs.toggleRole, category, args: { role } });
  }
}

/** What the person set; an option that was not set is left to kestra-nb's own layers. */
function watchSettings(registry: Optional<ISettingRegistry>): () => IPreferences {
  let current: IPreferences = { preferences: {}, follow: true, confirmOverwrite: true };
  const read = (settings: ISettingRegistry.ISettings): void => {
    const chosen = Object.entries(settings.user).filter(
      ([name, value]) => !OWN_SETTINGS.includes(name) && !name.startsWith('jupyter.lab') && value !== undefined
    );
    current = {
      preferences: Object.fromEntries(chosen) as PartialJSONObject,
      follow: settings.composite.follow !== false,
      confirmOverwrite: settings.composite.confirmOverwrite !== false
    };
  };
  registry
    ?.load(PLUGIN_ID)
    .then(settings => {
      read(settings);
      settings.changed.connect(read);
    })
    .catch((error: unknown) => {
      console.warn('The settings of kestra-nb cannot be read; defaults are used.', error);
    });
  return () => current;
}

const plugin: JupyterFrontEndPlugin<void> = {
  id: PLUGIN_ID,
  description: 'From an open notebook to its Kestra flow.',
  autoStart: true,
  optional: [
    INotebookTracker,
    ITranslator,
    ICommandPalette,
    ISettingRegistry,
    ILayoutRestorer,
    IToolbarWidgetRegistry,
    IFileBrowserFactory,
    IEditorServices,
    ILabShell
  ],
  activate
};

export default plugin;
