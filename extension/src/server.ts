import { URLExt } from '@jupyterlab/coreutils';
import { ServerConnection } from '@jupyterlab/services';
import type { TranslationBundle } from '@jupyterlab/translation';

import type { IAbout, IAsk, IExportAnswer, ILocation, IPlanAnswer, IPreviewAnswer, IWhyAnswer } from './types';

/** Something went wrong in a way a person can act on. */
export class Problem extends Error {
  constructor(
    message: string,
    readonly code: string,
    readonly hint = '',
    readonly location: ILocation | null = null,
    readonly status = 0
  ) {
    super(message);
  }
}

/** The code of a problem whose cause is that kestra-nb's server part does not answer. */
export const NO_SERVER_PART = 'no-server-part';
export const CANCELLED = 'cancelled';

interface IProblemBody {
  code: string;
  message: string;
  hint: string;
  location: ILocation | null;
}

function isProblem(body: unknown): body is IProblemBody {
  return typeof body === 'object' && body !== null && 'code' in body && 'message' in body && 'hint' in body;
}

/** The routes of the server part. */
export class Server {
  constructor(
    private readonly _settings: ServerConnection.ISettings,
    private readonly _trans: TranslationBundle
  ) {}

  /** What the server part is; asked once. */
  about(): Promise<IAbout> {
    this._about ??= this._send<IAbout>('about', null).catch((error: unknown) => {
      this._about = null;
      throw error;
    });
    return this._about;
  }

  plan(ask: IAsk, signal?: AbortSignal): Promise<IPlanAnswer> {
    return this._send('plan', ask, signal);
  }

  preview(ask: IAsk, signal?: AbortSignal): Promise<IPreviewAnswer> {
    return this._send('preview', ask, signal);
  }

  save(ask: IAsk, signal?: AbortSignal): Promise<IExportAnswer> {
    return this._send('export', ask, signal);
  }

  why(ask: IAsk, name: string): Promise<IWhyAnswer> {
    return this._send('why', { ...ask, name });
  }

  private async _send<T>(route: string, body: object | null, signal?: AbortSignal): Promise<T> {
    const url = URLExt.join(this._settings.baseUrl, 'kestra-nb', route);
    const init: RequestInit = body === null ? { method: 'GET' } : { method: 'POST', body: JSON.stringify(body) };
    if (signal) {
      init.signal = signal;
    }
    let response: Response;
    let answer: unknown;
    try {
      response = await ServerConnection.makeRequest(url, init, this._settings);
      answer = await response.json().catch(() => null);
    } catch {
      throw signal?.aborted
        ? new Problem(this._trans.__('Cancelled.'), CANCELLED)
        : new Problem(
            this._trans.__('The Jupyter server does not answer.'),
            'no-server',
            this._trans.__('Is it running?')
          );
    }
    if (response.ok) {
      return answer as T;
    }
    throw this._problem(response.status, answer);
  }

  private _problem(status: number, answer: unknown): Problem {
    if (isProblem(answer)) {
      return new Problem(answer.message, answer.code, answer.hint, answer.location, status);
    }
    if (status === 404) {
      return new Problem(
        this._trans.__('The server part of kestra-nb is missing.'),
        NO_SERVER_PART,
        this._trans.__(
          'Run "pip install kestra-nb" in the environment that Jupyter runs in, then "jupyter server extension enable kestra_nb", and restart Jupyter.'
        )
      );
    }
    if (status === 401 || status === 403) {
      return new Problem(this._trans.__('The Jupyter server wants you to log in again.'), 'no-login');
    }
    return new Problem(this._trans.__('The Jupyter server answered %1 without a reason.', status), 'no-reason');
  }

  private _about: Promise<IAbout> | null = null;
}
