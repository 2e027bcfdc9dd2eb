package sock

import (
	"golang.org/x/sys/unix"

	"signalbench/results"
)

// cause tells errors of the kernel apart.
func cause(errno unix.Errno) results.Cause {
	switch errno {
	case 0:
		return ""
	case unix.ECONNREFUSED:
		return results.CauseRefused
	case unix.ETIMEDOUT:
		return results.CauseTimeout
	case unix.ECONNRESET, unix.EPIPE, unix.ECONNABORTED:
		return results.CauseReset
	case unix.EADDRNOTAVAIL, unix.EADDRINUSE:
		return results.CauseNoAddress
	case unix.EMFILE:
		return results.CauseDescriptors
	case unix.ENFILE:
		return results.CauseFiles
	case unix.ENOSPC: // epoll_ctl(2)
		return results.CauseWatches
	case unix.ENOMEM, unix.ENOBUFS:
		return results.CauseNoMemory
	case unix.ENETUNREACH, unix.EHOSTUNREACH, unix.ENETDOWN:
		return results.CauseUnreachable
	}
	return results.CauseOther
}
