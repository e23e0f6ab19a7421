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
const START_WITHIN = 15_000;

/** The kernel's state, without asking it anything. */
export function kernelState(context: ISessionContext): KernelState | 'idle' {
  const kernel = context.session?.kernel;
  if (!kernel) {
    return context.isReady ? 'absent' : 'starting';
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

/** Read the environment of the notebook's kernel, or say why that is not possible now. */
export async function readKernel(context: ISessionContext, probe: string): Promise<IReading> {
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
    return { state: 'read', environment: await within(run(kernel, probe), ANSWER_WITHIN) };
  } catch {
    return { state: kernelState(context) === 'dead' ? 'dead' : 'failed', environment: null };
  }
}

/** Wait until a starting kernel is idle, for as long as a person would. */
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

/** Run the probe without a trace: no history, no output in the notebook, no name in the person's namespace. */
async function run(kernel: Kernel.IKernelConnection, probe: string): Promise<PartialJSONValue> {
  const code = `exec(compile(${JSON.stringify(probe)}, "<kestra-nb>", "exec"), {"__name__": "__main__"})`;
  const future = kernel.requestExecute({ code, silent: true, store_history: false, stop_on_error: false });
  let printed = '';
  future.onIOPub = (message: KernelMessage.IIOPubMessage): void => {
    if (message.header.msg_type === 'stream') {
      const content = message.content as KernelMessage.IStreamMsg['content'];
      printed += content.name === 'stdout' ? content.text : '';
    }
  };
  const reply = await future.done;
  if (reply.content.status !== 'ok') {
    throw new Error('The probe failed in the kernel.');
  }
  const start = printed.indexOf('{');
  return JSON.parse(printed.slice(start)) as PartialJSONValue;
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
