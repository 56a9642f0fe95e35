exports.addressOf = function (path) {
  return __ENV.URL + path;
};
