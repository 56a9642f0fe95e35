import { randomBytes } from "node:crypto";

export interface FormPart {
  readonly name: string;
  readonly value: string | Uint8Array;
  /** Makes the part a file. */
  readonly filename?: string;
  /** @defaultValue `application/octet-stream` for a file; none for a text */
  readonly contentType?: string;
}

/**
 * A body of `multipart/form-data` as browsers write it (RFC 7578, with names escaped by the HTML standard).
 *
 * @param boundary - for a test; random otherwise, so that no content holds it
 */
export function multipartBody(
  parts: readonly FormPart[],
  boundary: string = `mettle-${randomBytes(18).toString("hex")}`,
): { body: Buffer; contentType: string } {
  const pieces: Buffer[] = [];
  for (const { name, value, filename, contentType } of parts) {
    let head = `--${boundary}\r\nContent-Disposition: form-data; name="${escapeName(name)}"`;
    if (filename !== undefined) head += `; filename="${escapeName(filename)}"`;
    const type = contentType ?? (filename === undefined ? undefined : "application/octet-stream");
    if (type !== undefined) head += `\r\nContent-Type: ${type.replaceAll(/[\r\n]+/g, " ")}`;
    const content = typeof value === "string" ? Buffer.from(value, "utf8") : value;
    pieces.push(Buffer.from(`${head}\r\n\r\n`, "utf8"), Buffer.from(content), Buffer.from("\r\n", "latin1"));
  }
  pieces.push(Buffer.from(`--${boundary}--\r\n`, "latin1"));
  return { body: Buffer.concat(pieces), contentType: `multipart/form-data; boundary=${boundary}` };
}

function escapeName(name: string): string {
  return name.replaceAll('"', "%22").replaceAll("\r", "%0D").replaceAll("\n", "%0A");
}

/** A form, as a body that a request may have: `user.http.post(url, new MultipartForm([…]))`. */
export class MultipartForm {
  readonly parts: readonly FormPart[];

  constructor(parts: readonly FormPart[]) {
    this.parts = parts;
  }
}
