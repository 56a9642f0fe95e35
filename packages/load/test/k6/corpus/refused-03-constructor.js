import http from "k6/http";

class Session {
  constructor(user) {
    this.token = http.post(`${__ENV.URL}/echo`, user).json("body");
  }
}

export default function () {
  new Session("ann");
}
