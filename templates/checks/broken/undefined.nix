{ pkgs, ... }:
{
  environment.systemPackages = [ pkgs.there-is-no-such-package ];
}
