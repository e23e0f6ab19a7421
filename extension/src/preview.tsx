import { MainAreaWidget } from '@jupyterlab/apputils';
import type { IEditorServices } from '@jupyterlab/codeeditor';
import { CodeEditor, CodeEditorWrapper } from '@jupyterlab/codeeditor';
import { PathExt } from '@jupyterlab/coreutils';
import { CommandToolbarButton, ReactWidget } from '@jupyterlab/ui-components';
import type { TranslationBundle } from '@jupyterlab/translation';
import type { CommandRegistry } from '@lumino/commands';
import type { IDisposable } from '@lumino/disposable';
import { Panel } from '@lumino/widgets';
import React from 'react';

import type { Follower } from './follower';
import { goTo, placeText } from './goto';
import { flowIcon } from './icon';
import { CANCELLED, Problem } from './server';
import type { IDiffLine, ILocation, IPlanAnswer, IPreviewAnswer } from './types';

const FLOW = 'flow';
const CHANGES = 'changes';

/** A widget that shows whatever element it was given last. */
class View extends ReactWidget {
  display(element: React.ReactElement): void {
    this._element = element;
    this.update();
  }

  protected override render(): React.ReactElement {
    return this._element;
  }

  private _element = (<></>);
}

/** A main-area preview of one notebook's flow. */
export class PreviewWidget extends MainAreaWidget<Preview> {
  constructor(content: Preview, commands: CommandRegistry, trans: TranslationBundle) {
    super({ content });
    this.id = `kestra-nb-preview-${content.path}`;
    this.addClass('kestra-PreviewArea');
    this.title.icon = flowIcon;
    this.title.closable = true;
    this.title.label = trans.__('Flow of %1', PathExt.basename(content.path));
    this.title.caption = content.path;
    const args = (): { notebook: string } => ({ notebook: content.path });
    for (const id of ['kestra-nb:save', 'kestra-nb:copy', 'kestra-nb:open-flow', 'kestra-nb:refresh']) {
      this.toolbar.addItem(
        id,
        new CommandToolbarButton({ commands, id, args: args(), label: commands.label(id, { short: true }) })
      );
    }
  }
}

/** The flow's YAML, what changes against the saved one, and the files that go with it. */
export class Preview extends Panel {
  constructor(
    readonly path: string,
    private readonly _editors: IEditorServices,
    private readonly _trans: TranslationBundle
  ) {
    super();
    this.addClass('kestra-Preview');
    this._changes.addClass('kestra-Changes');
    this._editor = new CodeEditorWrapper({
      factory: options => _editors.factoryService.newDocumentEditor(options),
      model: new CodeEditor.Model({ mimeType: 'text/x-yaml' }),
      editorOptions: { config: { readOnly: true, lineNumbers: true, lineWrap: false } }
    });
    this._editor.addClass('kestra-Preview-editor');
    this._editor.model.selections.changed.connect(() => {
      this._showPlace();
    });
    this._head.addClass('kestra-Preview-head');
    this._foot.addClass('kestra-Preview-foot');
    for (const widget of [this._head, this._editor, this._changes, this._foot]) {
      this.addWidget(widget);
    }
    this._changes.hide();
    this._draw();
  }

  get follower(): Follower | null {
    return this._follower;
  }

  /** The open notebook behind the preview; null while it is not open. */
  set follower(follower: Follower | null) {
    if (follower === this._follower) {
      return;
    }
    this._follower?.changed.disconnect(this._onFollower, this);
    this._watch?.dispose();
    this._follower = follower;
    this._watch = follower?.watch() ?? null;
    follower?.changed.connect(this._onFollower, this);
    follower?.panel.disposed.connect(() => {
      if (this._follower === follower) {
        this.follower = null;
      }
    });
    this._onFollower();
  }

  get answer(): IPreviewAnswer | null {
    return this._answer;
  }

  override dispose(): void {
    this._watch?.dispose();
    this._running?.abort();
    super.dispose();
  }

  /** Ask for the flow again, whatever changed. */
  async refresh(): Promise<void> {
    const follower = this._follower;
    if (!follower) {
      return;
    }
    this._running?.abort();
    const running = (this._running = new AbortController());
    try {
      const answer = await follower.preview(running.signal);
      if (!running.signal.aborted && !this.isDisposed) {
        this._answer = answer;
        this._problem = null;
        this._draw();
      }
    } catch (error) {
      const problem = error instanceof Problem ? error : new Problem(String(error), '');
      if (problem.code !== CANCELLED && !this.isDisposed) {
        this._problem = problem;
        this._draw();
      }
    }
  }

  private _onFollower(): void {
    const plan = this._follower?.answer ?? null;
    if (this._follower?.status === 'ready' && plan !== this._shown) {
      this._shown = plan;
      void this.refresh();
    } else if (this._follower?.status === 'failed') {
      this._shown = null;
      this._problem = this._follower.problem;
      this._draw();
    } else {
      this._draw();
    }
  }

  private _draw(): void {
    const answer = this._answer;
    const tabs = this._tabs(answer);
    if (!tabs.some(tab => tab.id === this._tab)) {
      this._tab = FLOW;
    }
    const changes = this._tab === CHANGES;
    this._editor.setHidden(changes);
    this._changes.setHidden(!changes);
    this._head.node.dataset.status = this._follower?.status ?? 'closed';
    this._head.display(
      <Head
        trans={this._trans}
        open={this._follower !== null}
        problem={this._problem}
        answer={answer}
        tabs={tabs}
        tab={this._tab}
        select={tab => {
          this._tab = tab;
          this._draw();
        }}
      />
    );
    this._changes.display(<Changes lines={answer?.difference ?? []} trans={this._trans} />);
    const file = answer?.files.find(item => item.path === this._tab);
    this._show(file?.text ?? answer?.yaml ?? '', file?.path ?? answer?.flow.path ?? 'flow.yaml');
    this._showPlace();
  }

  private _tabs(answer: IPreviewAnswer | null): ITab[] {
    if (!answer) {
      return [];
    }
    const changed = answer.difference.filter(line => line.kind === '+' || line.kind === '-').length;
    return [
      { id: FLOW, label: PathExt.basename(answer.flow.path), title: answer.flow.path },
      ...(answer.flow.saved
        ? [
            {
              id: CHANGES,
              label: this._trans.__('Changes (%1)', changed),
              title: this._trans.__('Against the saved flow')
            }
          ]
        : []),
      ...answer.files.map(file => ({
        id: file.path,
        label: PathExt.basename(file.path),
        title: `${file.path}: ${file.purpose}`
      }))
    ];
  }

  private _show(text: string, path: string): void {
    const model = this._editor.model;
    const mimeType = this._editors.mimeTypeService.getMimeTypeByFilePath(path);
    if (model.mimeType !== mimeType) {
      model.mimeType = mimeType;
    }
    if (model.sharedModel.getSource() !== text) {
      model.sharedModel.setSource(text);
    }
  }

  private _showPlace(): void {
    const place = this._place();
    const follower = this._follower;
    const show = (): void => {
      if (place && follower) {
        void goTo(follower, place);
      }
    };
    this._foot.display(<Foot place={place} trans={this._trans} show={show} />);
  }

  /** Where the line under the cursor comes from. */
  private _place(): ILocation | null {
    const map = this._answer?.line_map;
    if (!map || this._tab !== FLOW || map.yaml_first_line === 0) {
      return null;
    }
    const line = this._editor.editor.getCursorPosition().line + 1;
    return map.script[line - map.yaml_first_line] ?? null;
  }

  private readonly _head = new View();
  private readonly _foot = new View();
  private readonly _changes = new View();
  private readonly _editor: CodeEditorWrapper;
  private _follower: Follower | null = null;
  private _watch: IDisposable | null = null;
  private _running: AbortController | null = null;
  private _answer: IPreviewAnswer | null = null;
  private _problem: Problem | null = null;
  private _shown: IPlanAnswer | null = null;
  private _tab = FLOW;
}

interface ITab {
  id: string;
  label: string;
  title: string;
}

interface IHead {
  trans: TranslationBundle;
  open: boolean;
  problem: Problem | null;
  answer: IPreviewAnswer | null;
  tabs: ITab[];
  tab: string;
  select: (tab: string) => void;
}

function Head(props: IHead): React.ReactElement {
  const { trans, open, problem, answer, tabs, tab, select } = props;
  const file = answer?.files.find(item => item.path === tab);
  return (
    <>
      {open ? null : <p className="kestra-Banner">{trans.__('The notebook is closed; this is its flow as it was.')}</p>}
      {problem ? (
        <div className="kestra-Banner kestra-mod-error" role="alert">
          {problem.message} {problem.hint}
        </div>
      ) : null}
      <div className="kestra-Tabs" role="tablist" aria-label={trans.__('Files of the flow')}>
        {tabs.map(item => (
          <button
            key={item.id}
            role="tab"
            className="kestra-Tab"
            data-tab={item.id}
            aria-selected={item.id === tab}
            title={item.title}
            onClick={() => {
              select(item.id);
            }}
          >
            {item.label}
          </button>
        ))}
      </div>
      <p className="kestra-Hint">
        {file ? file.purpose : answer ? trans.__('Packages: %1', answer.title) : trans.__('Making the flow…')}
      </p>
    </>
  );
}

function Changes({ lines, trans }: { lines: IDiffLine[]; trans: TranslationBundle }): React.ReactElement {
  if (lines.length === 0) {
    return <p className="kestra-Empty">{trans.__('The saved flow is up to date.')}</p>;
  }
  return (
    <pre className="kestra-Diff" tabIndex={0}>
      {lines.map((line, index) => (
        <div key={index} data-kind={line.kind}>
          {line.kind}
          {line.text}
        </div>
      ))}
    </pre>
  );
}

function Foot(props: { place: ILocation | null; trans: TranslationBundle; show: () => void }): React.ReactElement {
  const { place, trans, show } = props;
  if (!place) {
    return <span>{trans.__('Put the cursor on a line of the script to see its cell.')}</span>;
  }
  return (
    <>
      <span>{trans.__('This line comes from %1.', placeText(place, trans))}</span>
      <button className="kestra-Link" onClick={show}>
        {trans.__('Show Cell')}
      </button>
    </>
  );
}
