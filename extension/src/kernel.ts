import type { ISessionContext } from '@jupyterlab/apputils';
import type { Kernel, KernelMessage } from '@jupyterlab/services';
import type { PartialJSONValue } from '@lumino/coreutils';

/** Where a notebook's kernel stands when its packages are to be read. */
export type KernelState = 'read' | 'absent' | 'starting' | 'busy' | 'dead' | 'other-language' | 'failed';

export interface IReading {
  state: KernelState;
  /** The kernel's environment as JSON; null unless the state is 'read'. */
  environment: PartialJSONValue;
}

const ANSWER_WITHIN = 20_000;
const BEGIN_WITHIN = 1_500;
const START_WITHIN = 3_000;

/** The kernel's state, without asking it anything. */
export function kernelState(context: ISessionContext): KernelState | 'idle' {
  const kernel = context.session?.kernel;
  if (!kernel) {
    return context.kernelDisplayStatus === 'initializing' ? 'starting' : 'absent';
  }
  if (kernel.connectionStatus === 'disconnected') {
    return 'dead';
  }
  switch (kernel.status) {
    case 'dead':
    case 'terminating':
      return 'dead';
    case 'busy':
      return 'busy';
    case 'idle':
      return kernel.connectionStatus === 'connected' ? 'idle' : 'starting';
    default:
      return 'starting';
  }
}

/**
 * Read the environment of the notebook's kernel, or say why that is not possible now.
 *
 * A kernel may call itself idle while it works, because it answers on another channel; so a kernel that does not begin
 * with the probe at once counts as busy, and `late` is told when it has answered after all.
 */
export async function readKernel(context: ISessionContext, probe: string, late: () => void): Promise<IReading> {
  const state = await settled(context);
  const kernel = context.session?.kernel;
  if (state !== 'idle' || !kernel) {
    return { state: state === 'idle' ? 'absent' : state, environment: null };
  }
  try {
    const info = await within(kernel.info, ANSWER_WITHIN);
    if (info.language_info.name.toLowerCase() !== 'python') {
      return { state: 'other-language', environment: null };
    }
    const { begun, answer } = run(kernel, probe);
    if (!(await Promise.race([begun, after(BEGIN_WITHIN)]))) {
      answer.then(late, () => undefined);
      return { state: 'busy', environment: null };
    }
    return { state: 'read', environment: await within(answer, ANSWER_WITHIN) };
  } catch {
    return { state: kernelState(context) === 'dead' ? 'dead' : 'failed', environment: null };
  }
}

/** Give a starting kernel a moment; one that takes longer is asked when it is idle. */
function settled(context: ISessionContext): Promise<KernelState | 'idle'> {
  const state = kernelState(context);
  if (state !== 'starting') {
    return Promise.resolve(state);
  }
  return new Promise(resolve => {
    const done = (): void => {
      clearTimeout(timer);
      context.statusChanged.disconnect(look);
      context.connectionStatusChanged.disconnect(look);
      context.kernelChanged.disconnect(look);
      resolve(kernelState(context));
    };
    const look = (): void => {
      if (kernelState(context) !== 'starting') {
        done();
      }
    };
    const timer = setTimeout(done, START_WITHIN);
    context.statusChanged.connect(look);
    context.connectionStatusChanged.connect(look);
    context.kernelChanged.connect(look);
  });
}

interface IRun {
  /** Resolves to true when the kernel begins. */
  begun: Promise<boolean>;
  answer: Promise<PartialJSONValue>;
}

/** Run the probe without a trace: no history, no output in the notebook, no name in the person's namespace. */
function run(kernel: Kernel.IKernelConnection, probe: string): IRun {
  const code = `exec(compile(${JSON.stringify(probe)}, "<kestra-nb>", "exec"), {"__name__": "__main__"})`;
  const future = kernel.requestExecute({ code, silent: true, store_history: false, stop_on_error: false });
  let printed = '';
  const begun = new Promise<boolean>(resolve => {
    future.onIOPub = (message: KernelMessage.IIOPubMessage): void => {
      resolve(true);
      if (message.header.msg_type === 'stream') {
        const content = message.content as KernelMessage.IStreamMsg['content'];
        printed += content.name === 'stdout' ? content.text : '';
      }
    };
  });
  const answer = future.done.then(reply => {
    if (reply.content.status !== 'ok') {
      throw new Error('The probe failed in the kernel.');
    }
    return JSON.parse(printed.slice(printed.indexOf('{'))) as PartialJSONValue;
  });
  return { begun, answer };
}

function after(milliseconds: number): Promise<boolean> {
  return new Promise(resolve => {
    setTimeout(() => {
      resolve(false);
    }, milliseconds);
  });
}

function within<T>(promise: Promise<T>, milliseconds: number): Promise<T> {
  return new Promise((resolve, reject) => {
    const timer = setTimeout(() => {
      reject(new Error(`No answer within ${milliseconds} ms.`));
    }, milliseconds);
    promise.then(resolve, reject).finally(() => {
      clearTimeout(timer);
    });
  });
}
