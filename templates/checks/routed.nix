# A machine as the appliance exports it whose stack has a route, and the same with other reverse proxies.
{ lib }:
rec {
  machine = builtins.fromJSON (builtins.readFile ./exported/machines/routed.json);

  # Nginx Proxy Manager as a stack, on the network that it shares with the services. Of the sets there is what modules
  # read.
  behindStack.bootstead.stacks.compiled = lib.mkForce ./sets/behind-stack.json;
  stackMachine = machine // {
    roles = lib.remove "edge" machine.roles;
    stacks = machine.stacks ++ [ "nginx-proxy-manager" ];
  };

  # A container that speaks https.
  overHTTPS.bootstead.stacks.compiled = lib.mkForce ./sets/https.json;
}
