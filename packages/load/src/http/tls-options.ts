import { isIP } from "node:net";
import type { ConnectionOptions, PeerCertificate, SecureContext, SecureVersion } from "node:tls";
import { messageOf } from "@mettle/core";
import { httpErrors } from "./errors.ts";
import { nodeTls } from "./node-parts.ts";

/** A certificate that the client shows. PEM texts or bytes. */
export interface ClientCertificate {
  readonly certificate: string | Uint8Array;
  readonly key: string | Uint8Array;
  readonly password?: string;
  /** Names, or `*.name`, that it is meant for; all where absent. The first that fits is shown. */
  readonly domains?: readonly string[];
}

export interface TlsOptions {
  /** Accept any certificate of a server. @defaultValue false */
  readonly insecureSkipVerify?: boolean;
  /** Trusted authorities in PEM, instead of those that Node trusts. */
  readonly authorities?: readonly (string | Uint8Array)[];
  readonly clientCertificates?: readonly ClientCertificate[];
  /** @defaultValue "TLSv1.2" */
  readonly minVersion?: SecureVersion;
  /** @defaultValue "TLSv1.3" */
  readonly maxVersion?: SecureVersion;
  /** OpenSSL's names, separated by colons. */
  readonly ciphers?: string;
  /** The name to ask for and to check, instead of the URL's. */
  readonly serverName?: string;
}

/** Makes the options of `tls.connect`; keeps the contexts, of which each costs milliseconds. One per worker. */
export class TlsContexts {
  readonly #options: TlsOptions;
  readonly #contexts = new Map<ClientCertificate | undefined, SecureContext>();

  /** @throws MettleError `LOAD_HTTP_OPTIONS_INVALID` for a certificate, key, version or cipher that OpenSSL refuses */
  constructor(options: TlsOptions) {
    this.#options = options;
    for (const certificate of options.clientCertificates ?? []) this.#context(certificate);
    if (Object.keys(options).length > 0) this.#context(undefined);
  }

  connectOptions(hostname: string, protocols: string[]): ConnectionOptions {
    const { insecureSkipVerify = false, serverName = hostname, clientCertificates = [] } = this.#options;
    const certificate = clientCertificates.find(
      ({ domains }) => domains === undefined || domains.some((pattern) => matchesHost(pattern, hostname)),
    );
    return {
      secureContext: this.#context(certificate),
      rejectUnauthorized: !insecureSkipVerify,
      ALPNProtocols: protocols,
      // An address is checked against the certificate but is no server name (RFC 6066).
      ...(isIP(serverName) === 0 && { servername: serverName }),
      checkServerIdentity: (_host: string, peer: PeerCertificate) => nodeTls().checkServerIdentity(serverName, peer),
    };
  }

  #context(certificate: ClientCertificate | undefined): SecureContext {
    const known = this.#contexts.get(certificate);
    if (known) return known;
    const context = createContext(this.#options, certificate);
    this.#contexts.set(certificate, context);
    return context;
  }
}

function createContext(options: TlsOptions, certificate: ClientCertificate | undefined): SecureContext {
  const { authorities, minVersion, maxVersion, ciphers } = options;
  try {
    return nodeTls().createSecureContext({
      ...(authorities && { ca: authorities.map(pem) }),
      ...(minVersion && { minVersion }),
      ...(maxVersion && { maxVersion }),
      ...(ciphers !== undefined && { ciphers }),
      ...(certificate && { cert: pem(certificate.certificate), key: pem(certificate.key) }),
      ...(certificate?.password !== undefined && { passphrase: certificate.password }),
    });
  } catch (error) {
    throw httpErrors.create("LOAD_HTTP_OPTIONS_INVALID", `TLS options: ${messageOf(error)}`, { cause: error });
  }
}

const pem = (data: string | Uint8Array): string | Buffer => (typeof data === "string" ? data : Buffer.from(data));

/** `*.example.test` fits every name below `example.test`; anything else fits itself. Letter case is ignored. */
export function matchesHost(pattern: string, hostname: string): boolean {
  const wanted = pattern.toLowerCase();
  const name = hostname.toLowerCase();
  if (wanted === "*") return true;
  return wanted.startsWith("*.") ? name.endsWith(wanted.slice(1)) && name.length > wanted.length - 1 : name === wanted;
}
