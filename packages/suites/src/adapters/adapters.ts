import { MettleError } from "@mettle/core";
import { suitesErrors } from "../errors.ts";
import type { AgentPlatform, PlatformOptions } from "../platform/platform.ts";

type Opener = (options?: PlatformOptions) => Promise<AgentPlatform>;

/** Each adapter is loaded only when it is asked for: XState and Moleculer need not be installed. */
const openers: Readonly<Record<string, Opener>> = {
  mettle: async (options) => {
    const { MettlePlatform } = await import("./mettle/mettle-platform.ts");
    return new MettlePlatform(options);
  },
  "event-emitter": async (options) => {
    const { EventEmitterPlatform } = await import("./event-emitter.ts");
    return new EventEmitterPlatform(options);
  },
  xstate: async (options) => {
    const { XStatePlatform } = await installed("xstate", () => import("./xstate.ts"));
    return new XStatePlatform(options);
  },
  moleculer: async (options) => {
    const { MoleculerPlatform } = await installed("moleculer", () => import("./moleculer.ts"));
    return MoleculerPlatform.open(options);
  },
  otp: async (options) => {
    const { OtpPlatform } = await import("./otp/otp-platform.ts");
    return OtpPlatform.open(options);
  },
};

/** @throws MettleError `PLATFORM_NOT_INSTALLED` when the package itself is missing */
async function installed<Adapter>(name: string, load: () => Promise<Adapter>): Promise<Adapter> {
  try {
    return await load();
  } catch (error) {
    const { code, message } = error as NodeJS.ErrnoException;
    if (code !== "ERR_MODULE_NOT_FOUND" || !message.includes(`'${name}'`)) throw error;
    throw suitesErrors.create("PLATFORM_NOT_INSTALLED", `Package ${name} is not installed (npm install ${name}).`, {
      cause: error,
      details: { name },
    });
  }
}

export const platformNames: readonly string[] = Object.keys(openers);

/**
 * Opens a platform by its name.
 *
 * @throws MettleError `PLATFORM_UNKNOWN`, `PLATFORM_NOT_INSTALLED`
 */
export function openPlatform(name: string, options?: PlatformOptions): Promise<AgentPlatform> {
  const open = Object.hasOwn(openers, name) ? openers[name] : undefined;
  if (open === undefined) {
    throw suitesErrors.create(
      "PLATFORM_UNKNOWN",
      `There is no platform ${name}; there are ${platformNames.join(", ")}.`,
      {
        details: { name, platforms: platformNames },
      },
    );
  }
  return open(options);
}

/** The platforms that can be opened here and now. */
export async function installedPlatforms(): Promise<readonly string[]> {
  const found: string[] = [];
  for (const name of platformNames) {
    try {
      await (await openPlatform(name))[Symbol.asyncDispose]();
      found.push(name);
    } catch (error) {
      if (!(error instanceof MettleError && error.code === "PLATFORM_NOT_INSTALLED")) throw error;
    }
  }
  return found;
}
