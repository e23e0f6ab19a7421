import type { NotebookPanel } from '@jupyterlab/notebook';
import type { PartialJSONObject, PartialJSONValue, ReadonlyPartialJSONObject } from '@lumino/coreutils';
import { JSONExt } from '@lumino/coreutils';
import type { IDisposable } from '@lumino/disposable';
import { Debouncer } from '@lumino/polling';
import type { ISignal } from '@lumino/signaling';
import { Signal } from '@lumino/signaling';

import type { KernelState } from './kernel';
import { kernelState, readKernel } from './kernel';
import { CANCELLED, Problem } from './server';
import type { Server } from './server';
import type { IAbout, IAsk, IExportAnswer, IPlanAnswer, IPreviewAnswer, IWhyAnswer } from './types';

const METADATA = 'kestra_nb';
const QUIET_FOR = 300;

export type FollowerStatus = 'new' | 'reading' | 'ready' | 'behind' | 'failed';

/** What the plug-in's settings say; only what the person set goes to the server. */
export interface IPreferences {
  preferences: PartialJSONObject;
  follow: boolean;
  confirmOverwrite: boolean;
}

/** What a follower needs of the application. */
export interface IHost {
  readonly server: Server;
  readonly preferences: () => IPreferences;
  /** The path without the drive that another contents provider puts before it. */
  readonly localPath: (path: string) => string;
  /** Bring a widget to the front. */
  readonly activate: (id: string) => void;
}

/** One open notebook and the flow it would become. */
export class Follower implements IDisposable {
  constructor(
    readonly panel: NotebookPanel,
    private readonly _host: IHost
  ) {
    this._look = new Debouncer(() => {
      this._compare();
    }, QUIET_FOR);
    this._later = new Debouncer(() => this.refresh(), QUIET_FOR);
    panel.model?.contentChanged.connect(this._onContent, this);
    panel.model?.metadataChanged.connect(this._onContent, this);
    panel.sessionContext.kernelChanged.connect(this._onKernel, this);
    panel.sessionContext.statusChanged.connect(this._onStatus, this);
    panel.disposed.connect(this.dispose, this);
  }

  get changed(): ISignal<this, void> {
    return this._changed;
  }

  get isDisposed(): boolean {
    return this._isDisposed;
  }

  get path(): string {
    return this.panel.context.path;
  }

  get status(): FollowerStatus {
    return this._status;
  }

  get answer(): IPlanAnswer | null {
    return this._answer;
  }

  get about(): IAbout | null {
    return this._about;
  }

  get problem(): Problem | null {
    return this._problem;
  }

  get kernel(): KernelState {
    return this._kernel;
  }

  /** What was chosen for this notebook: remembered in its metadata, and not saved yet. */
  get choices(): PartialJSONObject {
    return { ...this._remembered(), ...this._choices };
  }

  /** Bring the notebook to the front. */
  activate(): void {
    this._host.activate(this.panel.id);
  }

  dispose(): void {
    if (this._isDisposed) {
      return;
    }
    this._isDisposed = true;
    this._look.dispose();
    this._later.dispose();
    this._running?.abort();
    Signal.clearData(this);
  }

  /** Somebody looks: read the notebook now, or when it has changed since. */
  watch(): IDisposable {
    this._watchers += 1;
    if (this._status === 'new' || this._status === 'behind') {
      void this.refresh();
    }
    let gone = false;
    return {
      get isDisposed(): boolean {
        return gone;
      },
      dispose: (): void => {
        this._watchers -= gone ? 0 : 1;
        gone = true;
      }
    };
  }

  /** Choose something for this notebook. */
  choose(choices: Record<string, PartialJSONValue>): Promise<void> {
    this._choices = { ...this._choices, ...choices };
    return this.refresh();
  }

  /** Read notebook and kernel and ask for the plans. */
  async refresh(again = false): Promise<void> {
    this._running?.abort();
    const running = (this._running = new AbortController());
    this._setStatus('reading');
    try {
      if (again) {
        this._environmentOf = '';
      }
      const ask = await this._ask();
      if (running.signal.aborted) {
        return;
      }
      this._asked = JSON.stringify(ask.notebook);
      this._answer = await this._host.server.plan(ask, running.signal);
      this._problem = null;
      this._setStatus('ready');
      this._compare();
    } catch (error) {
      if (this._running === running && !this._isDisposed) {
        this._fail(error);
      }
    }
  }

  /** Stop waiting for the answer. */
  stop(): void {
    this._running?.abort();
    this._running = null;
    this._setStatus(this._answer ? 'behind' : 'new');
  }

  async preview(signal?: AbortSignal): Promise<IPreviewAnswer> {
    return this._host.server.preview(await this._ask(), signal);
  }

  /** Write the flow; what was chosen goes into the notebook's metadata. */
  async save(force: boolean, signal?: AbortSignal): Promise<IExportAnswer> {
    const ask = await this._ask();
    const answer = await this._host.server.save({ ...ask, options: { ...ask.options, force } }, signal);
    this._remember();
    void this.refresh();
    return answer;
  }

  async why(name: string): Promise<IWhyAnswer> {
    return this._host.server.why(await this._ask(), name);
  }

  private async _ask(): Promise<IAsk> {
    this._about = await this._host.server.about();
    await this.panel.context.ready;
    const environment = await this._environment(this._about.probe);
    const model = this.panel.sessionContext;
    return {
      path: this._host.localPath(this.path),
      notebook: this._plainNotebook(),
      environment,
      kernel: model.session?.kernel?.name ?? model.kernelPreference.name ?? '',
      preferences: this._host.preferences().preferences,
      options: this._choices
    };
  }

  /** The kernel's environment, read again only when something may have changed it. */
  private async _environment(probe: string): Promise<PartialJSONValue> {
    const context = this.panel.sessionContext;
    const id = context.session?.kernel?.id ?? '';
    if (id !== '' && id === this._environmentOf && this._kernel === 'read') {
      return this._environmentJson;
    }
    this._probing = true;
    try {
      const reading = await readKernel(context, probe, () => {
        this._onKernel();
      });
      this._kernel = reading.state;
      this._environmentJson = reading.environment;
      this._environmentOf = context.session?.kernel?.id ?? '';
    } finally {
      this._probing = false;
    }
    return this._environmentJson;
  }

  /** The notebook as it stands in the editor, without outputs: nothing of a flow depends on them. */
  private _plainNotebook(): ReadonlyPartialJSONObject {
    const notebook = this.panel.model?.toJSON() as PartialJSONObject | undefined;
    if (!notebook) {
      return {};
    }
    const cells = (notebook.cells as PartialJSONObject[]).map(cell =>
      cell.cell_type === 'code' ? { ...cell, outputs: [], execution_count: null } : { ...cell, attachments: {} }
    );
    const metadata = { ...(notebook.metadata as PartialJSONObject), widgets: {} };
    return { ...notebook, cells, metadata };
  }

  private _fingerprint(): string {
    return JSON.stringify(this._plainNotebook());
  }

  private _remembered(): PartialJSONObject {
    return { ...((this.panel.model?.getMetadata(METADATA) ?? {}) as PartialJSONObject) };
  }

  private _remember(): void {
    const after = this.choices;
    if (!JSONExt.deepEqual(this._remembered(), after)) {
      this.panel.model?.setMetadata(METADATA, after);
    }
    this._choices = {};
  }

  private _onContent(): void {
    if (this._status !== 'new') {
      void this._look.invoke().catch(() => undefined);
    }
  }

  /** Outputs and execution counts change a notebook, but not its flow. */
  private _compare(): void {
    if (!this._isDisposed && this._status !== 'reading' && this._fingerprint() !== this._asked) {
      this._outdated();
    }
  }

  private _onKernel(): void {
    this._environmentOf = '';
    this._outdated();
  }

  /** After the person ran something the kernel may hold other packages, and a busy one can answer again. */
  private _onStatus(): void {
    const state = kernelState(this.panel.sessionContext);
    if (this._probing) {
      return;
    }
    if (state === 'busy') {
      this._ran = true;
    } else if (
      this._status !== 'new' &&
      ((state === 'idle' && (this._ran || this._kernel !== 'read')) || state === 'dead')
    ) {
      this._ran = false;
      this._environmentOf = '';
      this._outdated();
    }
  }

  private _outdated(): void {
    if (this._isDisposed || this._status === 'new') {
      return;
    }
    this._setStatus('behind');
    if (this._watchers > 0 && this._host.preferences().follow) {
      void this._later.invoke().catch(() => undefined);
    }
  }

  private _fail(error: unknown): void {
    this._problem = error instanceof Problem ? error : new Problem(String(error), 'unknown');
    this._setStatus(this._problem.code === CANCELLED ? 'behind' : 'failed');
  }

  private _setStatus(status: FollowerStatus): void {
    this._status = status;
    this._changed.emit();
  }

  private readonly _look: Debouncer;
  private readonly _later: Debouncer;
  private readonly _changed = new Signal<this, void>(this);
  private _isDisposed = false;
  private _status: FollowerStatus = 'new';
  private _answer: IPlanAnswer | null = null;
  private _about: IAbout | null = null;
  private _problem: Problem | null = null;
  private _kernel: KernelState = 'absent';
  private _environmentJson: PartialJSONValue = null;
  private _environmentOf = '';
  private _choices: PartialJSONObject = {};
  private _running: AbortController | null = null;
  private _watchers = 0;
  private _probing = false;
  private _ran = false;
  private _asked = '';
}
