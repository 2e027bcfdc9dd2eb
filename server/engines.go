package main

import (
	"signalbench/server/engine"
	"signalbench/server/gobwas"
	"signalbench/server/gorilla"
)

// engines is the only list of engines: a new one is a folder and a line here.
var engines = []engine.Entry{
	gorilla.Entry,
	gorilla.LeanEntry,
	gobwas.Entry,
}
