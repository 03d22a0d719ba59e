#!/bin/sh
# Numbers the lines of two files: what is in the second one was written to the first one before.
trap 'exit 0' TERM
touch /files/first /files/second
number=$(wc -l </files/first)
[ "$(wc -l </files/second)" = "$number" ] || echo "$number" >>/files/second
while :; do
	number=$((number + 1))
	echo "$number" >>/files/first
	echo "$number" >>/files/second
	echo "$number" >/cache/last
	sleep 0.05
done
