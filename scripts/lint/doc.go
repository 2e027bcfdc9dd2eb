// Package lint holds the rules of the code base that no linter knows: what may
// import what, what the top level holds, and what only main may do. It is all
// tests; see them for the rules.
package lint
