import { parseDurationMs } from "@mettle/core";
import type { DnsOptions } from "../http/dns-cache.ts";
import type { TlsOptions } from "../http/tls-options.ts";
import { declaredFile } from "./declarative-files.ts";
import type { HttpDefaults } from "./define-load.ts";

/** `http` of a declarative load test, checked against its schema. */
export interface DeclaredHttp {
  readonly baseUrl?: string;
  readonly headers?: Readonly<Record<string, string | number | boolean>>;
  readonly timeout?: string | number;
  readonly maxRedirects?: number;
  readonly keepCookies?: boolean;
  readonly keepAlive?: boolean;
  readonly http2?: boolean;
  readonly connectionsPerHost?: number;
  readonly connectsPerSecond?: number;
  readonly hosts?: Readonly<Record<string, string>>;
  readonly dns?: Pick<DnsOptions, "select" | "policy"> & { readonly ttl?: string | number };
  readonly proxy?: string;
  readonly noProxy?: string;
  readonly insecureSkipVerify?: boolean;
  readonly authorities?: string;
  readonly certificate?: string;
  readonly key?: string;
  readonly minTls?: NonNullable<TlsOptions["minVersion"]>;
}

const milliseconds = (given: string | number): number => (typeof given === "number" ? given : parseDurationMs(given));

/**
 * As `defineLoad` takes it.
 *
 * @param filled - a text with its placeholders filled in
 * @throws MettleError `LOAD_DATA_INVALID` for a certificate that cannot be read
 */
export function httpDefaultsOf(declared: DeclaredHttp, folder: string, filled: (text: string) => string): HttpDefaults {
  const { baseUrl, headers = {}, timeout, hosts, dns, proxy, noProxy, connectionsPerHost, ...rest } = declared;
  const {
    insecureSkipVerify: _skip,
    authorities: _trusted,
    certificate: _own,
    key: _key,
    minTls: _least,
    ...same
  } = rest;
  const tls = tlsOf(declared, folder);
  const { ttl, ...choice } = dns ?? {};
  return {
    ...same,
    ...(baseUrl !== undefined && { baseUrl: filled(baseUrl) }),
    headers: filledValues(headers, filled),
    ...(hosts && { hosts: filledValues(hosts, filled) }),
    ...(timeout !== undefined && { timeoutMs: milliseconds(timeout) }),
    ...(connectionsPerHost !== undefined && { maxConnectionsPerHost: connectionsPerHost }),
    ...(dns && { dns: { ...choice, ...(ttl !== undefined && { ttlMs: milliseconds(ttl) }) } }),
    ...(proxy !== undefined && { proxy: proxiesOf(filled(proxy), noProxy) }),
    ...(Object.keys(tls).length > 0 && { tls }),
  };
}

function filledValues(
  texts: Readonly<Record<string, string | number | boolean>>,
  filled: (text: string) => string,
): Record<string, string> {
  return Object.fromEntries(Object.entries(texts).map(([name, value]) => [name, filled(String(value))]));
}

const proxiesOf = (proxy: string, no: string | undefined): NonNullable<HttpDefaults["proxy"]> => ({
  http: proxy,
  https: proxy,
  ...(no !== undefined && { no }),
});

function tlsOf(declared: DeclaredHttp, folder: string): TlsOptions {
  const { insecureSkipVerify, authorities, certificate, key, minTls } = declared;
  const read = (file: string): Uint8Array => declaredFile(folder, file);
  return {
    ...(insecureSkipVerify !== undefined && { insecureSkipVerify }),
    ...(authorities !== undefined && { authorities: [read(authorities)] }),
    // The schema has them only together.
    ...(certificate !== undefined &&
      key !== undefined && { clientCertificates: [{ certificate: read(certificate), key: read(key) }] }),
    ...(minTls !== undefined && { minVersion: minTls }),
  };
}
