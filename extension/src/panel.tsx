import { ReactWidget, refreshIcon, stopIcon } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';
import type { IDisposable } from '@lumino/disposable';
import type { Message } from '@lumino/messaging';
import React from 'react';

import type { Follower, FollowerStatus } from './follower';
import { goTo } from './goto';
import { flowIcon } from './icon';
import type { KernelState } from './kernel';
import type { IActions } from './parts';
import { Findings, FlowFields, Inputs, PlaceLink, Requirements, Strategies } from './parts';
import { NO_SERVER_PART } from './server';
import type { Problem } from './server';

export const PANEL_ID = 'kestra-nb-panel';

/** The side panel: what the current notebook needs, and every way Kestra could supply it. */
export class KestraPanel extends ReactWidget {
  constructor(
    private readonly _commands: CommandRegistry,
    private readonly _trans: TranslationBundle
  ) {
    super();
    this.id = PANEL_ID;
    this.title.icon = flowIcon;
    this.title.caption = _trans.__('Kestra: what this notebook needs and the flow it becomes');
    this.addClass('kestra-Panel');
    this.node.setAttribute('role', 'region');
    this.node.setAttribute('aria-label', _trans.__('Kestra'));
  }

  get follower(): Follower | null {
    return this._follower;
  }

  /** Show another notebook. */
  set follower(follower: Follower | null) {
    if (follower === this._follower) {
      return;
    }
    this._follower?.changed.disconnect(this._onChanged, this);
    this._follower = follower;
    this._watch?.dispose();
    this._watch = null;
    follower?.changed.connect(this._onChanged, this);
    if (follower && this.isVisible) {
      this._watch = follower.watch();
    }
    this.update();
  }

  protected override onAfterShow(message: Message): void {
    super.onAfterShow(message);
    this._watch ??= this._follower?.watch() ?? null;
    this.update();
  }

  protected override onBeforeHide(message: Message): void {
    this._watch?.dispose();
    this._watch = null;
    super.onBeforeHide(message);
  }

  protected override render(): React.ReactElement {
    const follower = this._follower;
    if (!follower || follower.isDisposed) {
      return (
        <p className="kestra-Empty kestra-mod-alone">{this._trans.__('Open a notebook to see the flow it becomes.')}</p>
      );
    }
    return <PanelView key={follower.panel.id} follower={follower} commands={this._commands} trans={this._trans} />;
  }

  private _onChanged(): void {
    this.update();
  }

  private _follower: Follower | null = null;
  private _watch: IDisposable | null = null;
}

interface IView {
  follower: Follower;
  commands: CommandRegistry;
  trans: TranslationBundle;
}

function PanelView({ follower, commands, trans }: IView): React.ReactElement {
  const { answer, about, problem, status } = follower;
  const args = { panel: follower.panel.id };
  const actions: IActions = {
    show: place => void goTo(follower, place),
    choose: choices => void follower.choose(choices),
    why: name => void commands.execute('kestra-nb:why', { ...args, name })
  };
  const part = { trans, actions };
  const missing = problem?.code === NO_SERVER_PART;
  return (
    <div className="kestra-View" data-status={status} aria-busy={status === 'reading'}>
      <Header follower={follower} commands={commands} trans={trans} />
      <Actions follower={follower} commands={commands} trans={trans} />
      <div className="kestra-Scroll">
        {problem && status === 'failed' ? <ProblemNote problem={problem} follower={follower} {...part} /> : null}
        {answer && !missing ? (
          <>
            <Source follower={follower} trans={trans} />
            <Requirements {...part} answer={answer} choices={follower.choices} options={about?.options ?? {}} />
            <Strategies {...part} answer={answer} choices={follower.choices} />
            <FlowFields {...part} answer={answer} options={about?.options ?? {}} />
            <Inputs {...part} inputs={answer.inputs} />
            <Findings {...part} findings={answer.findings} />
          </>
        ) : null}
        {!answer && status !== 'failed' ? <p className="kestra-Empty">{trans.__('Reading the notebook…')}</p> : null}
      </div>
    </div>
  );
}

function statusText(status: FollowerStatus, trans: TranslationBundle): string {
  const texts: Record<FollowerStatus, string> = {
    new: trans.__('waiting'),
    reading: trans.__('reading…'),
    ready: trans.__('up to date'),
    behind: trans.__('changed'),
    failed: trans.__('failed')
  };
  return texts[status];
}

function Header({ follower, commands, trans }: IView): React.ReactElement {
  const name = follower.path.split('/').pop() ?? '';
  const reading = follower.status === 'reading';
  const action = reading ? trans.__('Stop') : trans.__('Read notebook and kernel again');
  return (
    <header className="kestra-Header">
      <h2 title={follower.path}>{name}</h2>
      <span className="kestra-Status" data-status={follower.status} role="status">
        {statusText(follower.status, trans)}
      </span>
      <button
        className="jp-Button jp-mod-minimal kestra-Refresh"
        title={action}
        aria-label={action}
        onClick={() => {
          if (reading) {
            follower.stop();
          } else {
            void commands.execute('kestra-nb:refresh', { panel: follower.panel.id });
          }
        }}
      >
        {reading ? <stopIcon.react tag="span" /> : <refreshIcon.react tag="span" />}
      </button>
    </header>
  );
}

function kernelNote(state: KernelState, trans: TranslationBundle): string {
  const instead = trans.__("The packages are those of its kernelspec's interpreter.");
  const notes: Record<KernelState, string> = {
    read: '',
    absent: `${trans.__('No kernel is running.')} ${instead}`,
    starting: `${trans.__('The kernel is still starting.')} ${instead}`,
    busy: `${trans.__('The kernel is busy; it is asked as soon as it is idle.')} ${instead}`,
    dead: `${trans.__('The kernel is dead; restart it to read what it has.')} ${instead}`,
    'other-language': trans.__('The kernel does not run Python.'),
    failed: `${trans.__('The kernel did not answer.')} ${instead}`
  };
  return notes[state];
}

/** Whose packages these are. */
function Source({ follower, trans }: { follower: Follower; trans: TranslationBundle }): React.ReactElement | null {
  const environment = follower.answer?.environment;
  if (!environment) {
    return null;
  }
  const note = kernelNote(follower.kernel, trans);
  return (
    <div className="kestra-Source" data-kernel={follower.kernel}>
      <span>
        {trans._n(
          'From %2: Python %3, %1 distribution',
          'From %2: Python %3, %1 distributions',
          environment.distributions,
          follower.kernel === 'read' ? trans.__('the running kernel') : environment.origin,
          environment.python
        )}
      </span>
      {note ? <p className="kestra-Banner">{note}</p> : null}
    </div>
  );
}

function ProblemNote(props: {
  problem: Problem;
  follower: Follower;
  trans: TranslationBundle;
  actions: IActions;
}): React.ReactElement {
  const { problem, follower, trans } = props;
  return (
    <div className="kestra-Banner kestra-mod-error" role="alert" data-code={problem.code}>
      <p>
        {problem.code.startsWith('KNB') ? <code>{problem.code} </code> : null}
        {problem.message}
      </p>
      {problem.hint ? <p>{problem.hint}</p> : null}
      <p className="kestra-Banner-actions">
        {problem.location ? <PlaceLink {...props} place={problem.location} /> : null}
        <button className="jp-Button jp-mod-styled jp-mod-minimal" onClick={() => void follower.refresh(true)}>
          {trans.__('Try Again')}
        </button>
      </p>
    </div>
  );
}

function Actions({ follower, commands, trans }: IView): React.ReactElement {
  const args = { panel: follower.panel.id };
  const ready = follower.answer?.strategy != null && follower.status !== 'failed';
  return (
    <div className="kestra-Actions">
      <button
        className="jp-Button jp-mod-styled"
        disabled={!ready}
        onClick={() => void commands.execute('kestra-nb:preview', args)}
      >
        {trans.__('Preview')}
      </button>
      <button
        className="jp-Button jp-mod-styled jp-mod-accept"
        disabled={!ready}
        onClick={() => void commands.execute('kestra-nb:save', args)}
      >
        {trans.__('Save Flow')}
      </button>
    </div>
  );
}
