/** The bench's side of the load generator. */
import { type ChildProcess, fork } from 'node:child_process';
import { fileURLToPath } from 'node:url';
import type { FromGenerator, LoadJob, LoadResult, ToGenerator } from './load-job.js';

export interface Generator {
  /**
   * Runs a job. `onStart` is called when everything is prepared, just before the first request; `onProgress` with the
   * number of answers so far. @throws Error when the generator fails or ends
   */
  run(job: LoadJob, onStart: () => void, onProgress: (done: number) => void): Promise<LoadResult>;
  close(): void;
}

export function startGenerator(): Generator {
  const child = fork(fileURLToPath(new URL('./load-generator.js', import.meta.url)));
  return {
    run: (job, onStart, onProgress) =>
      new Promise((resolve, reject) => {
        const onExit = () => reject(new Error('the load generator ended'));
        const onMessage = (message: FromGenerator) => {
          if ('progress' in message) onProgress(message.progress);
          else if ('ready' in message) {
            onStart();
            send(child, { go: true });
          } else {
            child.off('message', onMessage).off('exit', onExit);
            if ('result' in message) resolve(message.result);
            else reject(new Error(message.error));
          }
        };
        child.on('message', onMessage).once('exit', onExit);
        send(child, { job });
      }),
    close: () => child.kill(),
  };
}

function send(child: ChildProcess, message: ToGenerator): void {
  child.send(message);
}
