import http from "k6/http";

class Session {
  header() {
    return { token: this.token };
  }

  constructor(user) {
    this.token = http.post(`${__ENV.URL}/echo`, user).json("body");
  }
}

export default function () {
  http.get(`${__ENV.URL}/`, { headers: new Session("ann").header() });
}
