import type { SecureVersion } from "node:tls";
import type { HttpOptions } from "../../http/http-options.ts";
import type { TlsOptions } from "../../http/tls-options.ts";
import type { K6Options } from "./options.ts";

const secureVersions: Readonly<Record<string, SecureVersion>> = {
  "tls1.0": "TLSv1",
  "tls1.1": "TLSv1.1",
  "tls1.2": "TLSv1.2",
  "tls1.3": "TLSv1.3",
};

/** How users connect, as the script's options say. */
export function connectionOptions(options: K6Options): HttpOptions {
  const { noConnectionReuse, dns, hosts, blockHostnames, blacklistIPs, localIPs } = options;
  return {
    ...(noConnectionReuse === true && { keepAlive: false }),
    ...(dns && { dns }),
    ...(hosts && { hosts }),
    ...(blockHostnames && { blockedHostnames: blockHostnames }),
    ...(blacklistIPs && { blockedNetworks: blacklistIPs }),
    ...(localIPs !== undefined && { localAddresses: localIPs.split(",") }),
    tls: tlsOptions(options),
  };
}

function tlsOptions({ insecureSkipTLSVerify, tlsAuth, tlsVersion, tlsCipherSuites }: K6Options): TlsOptions {
  const min = tlsVersion && secureVersions[tlsVersion.min];
  const max = tlsVersion && secureVersions[tlsVersion.max];
  return {
    ...(insecureSkipTLSVerify === true && { insecureSkipVerify: true }),
    ...(tlsAuth && {
      clientCertificates: tlsAuth.map(({ cert, key, password, domains }) => ({
        certificate: cert,
        key,
        ...(domains.length > 0 && { domains }),
        ...(password !== undefined && { password }),
      })),
    }),
    ...(min && { minVersion: min }),
    ...(max && { maxVersion: max }),
    ...(tlsCipherSuites && { ciphers: tlsCipherSuites.map(opensslCipher).join(":") }),
  };
}

/** `TLS_ECDHE_RSA_WITH_AES_128_GCM_SHA256` → `ECDHE-RSA-AES128-GCM-SHA256`; names of TLS 1.3 stay as they are. */
function opensslCipher(name: string): string {
  if (!name.includes("_WITH_")) return name;
  return name
    .replace(/^TLS_/, "")
    .replace("_WITH_", "_")
    .replace(/^RSA_/, "")
    .replace(/AES_(\d+)/, "AES$1")
    .replace(/_CBC_(SHA\d*)$/, "_$1")
    .replace("CHACHA20_POLY1305_SHA256", "CHACHA20_POLY1305")
    .replaceAll("_", "-");
}
