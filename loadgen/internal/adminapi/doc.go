// Package adminapi is the client of a server's admin listener: GET /stats and
// POST /settle, both JSON. It knows the format and nothing about what the
// figures are used for. A server in another language may answer in part: fields
// that are missing stay zero, fields that are not known are ignored.
package adminapi
