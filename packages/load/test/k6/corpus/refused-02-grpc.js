import grpc from "k6/net/grpc";

const client = new grpc.Client();
client.load(["."], "service.proto");

export default () => {
  client.connect("127.0.0.1:1", { plaintext: true });
};
