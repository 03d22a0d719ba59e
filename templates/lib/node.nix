{ evaluate, machineData }:
{
  # machine.json, or the same as an attribute set.
  machine,
  # The owner's modules, beside those that machine.json names.
  modules ? [ ],
  # The folder that paths in machine.json start at.
  root ? if builtins.isAttrs machine then null else builtins.dirOf machine,
}:
let
  data = machineData.read machine;
  ownModule =
    name:
    if root == null then
      throw "machine.json: modules: a machine that is given as a value has no folder to find ${name} in; give lib.node its root."
    else if !builtins.pathExists (root + "/${name}") then
      throw "machine.json: modules: there is no ${name}."
    else
      root + "/${name}";
  isThere = path: root != null && builtins.pathExists path;
  # The appliance puts the agent for the machine's system there.
  agent = root + "/agent/${data.system}/bootstead-agent";
  # And what the machine's stacks were compiled to, beside the owner's own stacks.
  stacks = root + "/stacks";
  compiled = stacks + "/${data.name}.json";
  ownStacks = builtins.filter (name: builtins.pathExists (stacks + "/${name}/compose.yaml")) (
    if isThere stacks then builtins.attrNames (builtins.readDir stacks) else [ ]
  );
in
evaluate {
  # The platform comes from the machine itself.
  system = null;
  modules = [
    ../modules
    (machineData.module data)
  ]
  ++ (if isThere agent then [ { bootstead.agent.executable = agent; } ] else [ ])
  ++ (if isThere compiled then [ { bootstead.stacks.compiled = compiled; } ] else [ ])
  ++ map (name: { bootstead.stacks.own.${name} = stacks + "/${name}"; }) ownStacks
  ++ map ownModule (data.modules or [ ])
  ++ modules;
}
