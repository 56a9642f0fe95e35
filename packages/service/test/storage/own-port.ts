import { once } from "node:events";
import { createServer } from "node:net";
import { threadId } from "node:worker_threads";

/** Where Linux, macOS and Windows take no port from for whoever asks for any, or for the near end of a connection. */
const [from, to] = [20_000, 32_000];

// Other processes, and other threads of this one, begin elsewhere.
let last = from + ((process.pid + 1009 * threadId) % (to - from));

/**
 * A port for a server of a test that can be ended and started again: nobody is given it meanwhile who did not ask for it by its
 * number.
 */
export async function ownPort(): Promise<number> {
  for (;;) {
    last = last + 1 < to ? last + 1 : from;
    const port = last;
    const probe = createServer().listen(port, "127.0.0.1");
    // Rejects with the error where it is taken.
    const free = await once(probe, "listening").then(
      () => true,
      () => false,
    );
    if (!free) continue;
    probe.close();
    await once(probe, "close");
    return port;
  }
}
