# The agent of an image. It is one static executable, built beside the appliance; Nix does not build it.
{
  config,
  lib,
  pkgs,
  ...
}:
let
  inherit (lib) mkOption types;
in
{
  options.bootstead.agentExecutable = mkOption {
    type = types.nullOr types.path;
    default = null;
    example = lib.literalExpression "./bootstead-agent";
    description = ''
      The static executable `bootstead-agent` for the image's processor. Nix copies it into the store: it holds no secret.
    '';
  };

  options.bootstead.agentPackage = mkOption {
    type = types.package;
    readOnly = true;
    defaultText = lib.literalMD "made from `bootstead.agentExecutable`";
    description = "The package with `bin/bootstead-agent`.";
    default =
      if config.bootstead.agentExecutable != null then
        pkgs.runCommand "bootstead-agent" { } ''
          install -D -m 0755 ${config.bootstead.agentExecutable} $out/bin/bootstead-agent
        ''
      else
        pkgs.bootstead-agent or (throw ''
          bootstead.agentExecutable is not set: give it the path of the static bootstead-agent (as
          .build/release/bootstead-agent.stripped), or set the
          package bootstead-agent in an overlay.
        '');
  };
}
