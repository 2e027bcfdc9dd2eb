package digest

import (
	"fmt"
	"maps"
	"reflect"
	"slices"
	"strings"

	"signalbench/results"
)

// Identity reports whether a setting of a server tells which server it is, so
// that it differs between fair arms.
func Identity(setting string) bool {
	switch setting {
	case "engine", "kind", "listen", "admin":
		return true
	case "ports", "shards", "conns", "quiet": // how connections are divided, which is the engine's
		return true
	}
	return false
}

// unequal warns of each setting and each machine fact that differs between the
// runs of the suite.
func (s *Suite) unequal() []results.Finding {
	var list []results.Finding
	var base *Run
	said := map[string]bool{}
	for _, a := range s.Arms {
		for _, r := range a.Runs {
			if base == nil {
				base = r
				continue
			}
			name := func(r *Run) string { return fmt.Sprintf("%s, repetition %d", r.name(), r.Repetition) }
			for _, d := range Unequal(base, r) {
				if said[a.Name+d] || a.Setting != nil && swept(d) {
					continue // every repetition would say it again, or it is meant
				}
				said[a.Name+d] = true
				list = append(list, results.Finding{
					Severity: results.Warning, Check: "equal",
					Text: fmt.Sprintf("%s beside %s: %s", name(base), name(r), d),
				})
			}
		}
	}
	return list
}

// swept reports whether a difference is one that a sweep is about.
func swept(difference string) bool {
	return strings.HasPrefix(difference, settingDiffers+"gogc:") || strings.HasPrefix(difference, settingDiffers+"memory-limit:")
}

// settingDiffers begins what is said of a setting of servers.
const settingDiffers = "server setting "

// name is what the run measured.
func (r *Run) name() string {
	if r.Label != "" {
		return r.Label
	}
	return r.Target.Engine
}

// Unequal lists what differs between two runs that are compared: what was asked
// of the load generator, the settings of the servers, and the machine.
func Unequal(a, b *Run) []string {
	list := diffSpec(a.Spec, b.Spec)
	if a.Target.Config != nil && b.Target.Config != nil {
		list = append(list, diffSettings(a.Target.Config, b.Target.Config)...)
	}
	return append(list, results.DiffEnv(a.Env, b.Env)...)
}

// diffSpec compares the fields that say what load was made; those that name
// the target and the command differ by nature.
func diffSpec(a, b results.Spec) []string {
	a.Command, b.Command = nil, nil
	a.URL, b.URL = "", ""
	var list []string
	va, vb := reflect.ValueOf(a), reflect.ValueOf(b)
	for i := range va.NumField() {
		x, y := va.Field(i).Interface(), vb.Field(i).Interface()
		if !reflect.DeepEqual(x, y) {
			name, _, _ := strings.Cut(va.Type().Field(i).Tag.Get("json"), ",")
			list = append(list, fmt.Sprintf("load %s: %v and %v", name, x, y))
		}
	}
	return list
}

func diffSettings(a, b map[string]any) []string {
	keys := slices.Collect(maps.Keys(a))
	for k := range b {
		if _, ok := a[k]; !ok {
			keys = append(keys, k)
		}
	}
	slices.Sort(keys)
	var list []string
	for _, k := range keys {
		if !Identity(k) && !reflect.DeepEqual(a[k], b[k]) {
			list = append(list, fmt.Sprintf(settingDiffers+"%s: %v and %v", k, orNone(a, k), orNone(b, k)))
		}
	}
	return list
}

func orNone(m map[string]any, k string) any {
	if v, ok := m[k]; ok {
		return v
	}
	return "none"
}
