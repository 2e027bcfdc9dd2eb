package service

import (
	"context"

	"signalbench/server/engine"
)

// Publish sends a message to all who subscribe to a channel and returns how many
// took it. p stays the caller's.
func (s *Service) Publish(ctx context.Context, channel string, op engine.Opcode, p []byte) (receivers int, err error) {
	return s.cfg.Channels.Publish(ctx, channel, op, p)
}

// Broadcast sends an event to all who are in the room of a name, which is its topic
// without the prefix, and returns how many these are. payload is JSON and stays the caller's.
func (s *Service) Broadcast(_ context.Context, room, event string, payload []byte) (receivers int, err error) {
	return s.cfg.Rooms.Broadcast(s.cfg.Rooms.Topic(room), event, payload)
}
