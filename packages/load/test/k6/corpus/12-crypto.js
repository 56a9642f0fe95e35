import crypto from "k6/crypto";
import http from "k6/http";
import { check } from "k6";

export default function () {
  const body = JSON.stringify({ when: 1 });
  const signature = crypto.hmac("sha256", "key", body, "hex");
  const hasher = crypto.createHMAC("sha256", "key");
  hasher.update(body);
  check(hasher.digest("hex"), { "same digest": (d) => d === signature });
  check(http.post(`${__ENV.URL}/echo`, body, { headers: { "X-Signature": signature } }), {
    signed: (r) => r.json("headers.x-signature") === signature,
  });
  check(new Uint8Array(crypto.randomBytes(16)), { "random bytes": (b) => b.length === 16 });
}
