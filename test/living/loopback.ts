/**
 * Servers of the tests: ports that are free, and the moment from which a server is ready.
 *
 * @module
 */
import { connect, createServer } from 'node:net';
import type { Running } from '../cli/command.js';

/** A port of the loopback interface that nobody uses at this moment. */
export async function freePort(): Promise<number> {
  const server = createServer();
  await new Promise<void>((resolve, reject) => {
    server.once('error', reject);
    server.listen(0, '127.0.0.1', resolve);
  });
  const address = server.address();
  await new Promise((resolve) => server.close(resolve));
  if (address === null || typeof address === 'string') throw new Error('a listening socket has no port');
  return address.port;
}

/** Whether somebody listens at a port, or at a socket's path. */
function answers(where: number | string): Promise<boolean> {
  return new Promise((resolve) => {
    const socket = typeof where === 'number' ? connect(where, '127.0.0.1') : connect(where);
    const decide = (answer: boolean) => () => {
      socket.destroy();
      resolve(answer);
    };
    socket.once('connect', decide(true)).once('error', decide(false));
  });
}

/**
 * Waits until something has come true of a server.
 *
 * @throws Error when the server ends instead, with what it said
 */
export async function until(server: Running, condition: () => boolean | Promise<boolean>): Promise<void> {
  let over = false;
  server.ended.then(() => {
    over = true;
  });
  while (!(await condition())) {
    if (over) throw new Error(`the server ended: ${server.output}${server.errors}`);
    await new Promise((resolve) => setTimeout(resolve, 10));
  }
}

/**
 * Waits until a server listens.
 *
 * @param where - a port of the loopback interface, or the path of a socket
 * @throws Error as {@link until}
 */
export async function listening(server: Running, where: number | string): Promise<void> {
  await until(server, () => answers(where));
}
