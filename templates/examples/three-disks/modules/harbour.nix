# An owner's own module: what no option of Bootstead's is for.
{ pkgs, ... }:
{
  environment.systemPackages = [ pkgs.htop ];
  time.timeZone = "Europe/Rome";
}
