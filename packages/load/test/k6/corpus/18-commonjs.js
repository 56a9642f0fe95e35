const http = require("k6/http");
const { check } = require("k6");
const { addressOf } = require("./lib/address.js");

module.exports.options = { vus: 1, iterations: 1 };

module.exports.default = function () {
  check(http.get(addressOf("/json")), { ok: (r) => r.status === 200 });
};
